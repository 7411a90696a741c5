#include <stddef.h>
#include <hiredis.h>
