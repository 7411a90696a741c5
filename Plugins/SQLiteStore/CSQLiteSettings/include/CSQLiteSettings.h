#ifndef CSQLITE_SETTINGS_H
#define CSQLITE_SETTINGS_H

/// Turns off SQLite's count of the memory that it holds, for the whole process.
///
/// Each allocation takes a global lock for this count, which nobody reads here. `sqlite3_config` is variadic, which Swift cannot
/// call. Returns SQLite's result code; SQLite refuses (21) once a database was opened.
int turnstile_sqlite_count_no_memory(void);

#endif
