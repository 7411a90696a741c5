/// What the server runs.
enum RateScript {
    /// KEYS: the window, a sorted set of slots by the instant (microseconds) at which they were taken. ARGV: limit, interval in
    /// microseconds, the slot's name. Returns -1 if the slot was taken, else after how many microseconds the next one is free.
    ///
    /// Slots from further ahead than an interval are from before the server's clock was set back; they are dropped, or they would
    /// block for as long as it was. Numbers are written out in full: Lua's own text of a large one is rounded.
    static let take = """
        local function text(number) return string.format('%.0f', number) end
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
        local limit, interval = tonumber(ARGV[1]), tonumber(ARGV[2])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now - interval))
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. text(now + interval), '+inf')
        local count = redis.call('ZCARD', KEYS[1])
        if count < limit then
          redis.call('ZADD', KEYS[1], text(now), ARGV[3])
          redis.call('PEXPIRE', KEYS[1], text(math.ceil(interval / 1000) + 1))
          return -1
        end
        if limit < 1 then return interval end
        local place = count - limit
        local leaving = redis.call('ZRANGE', KEYS[1], place, place, 'WITHSCORES')
        return math.max(0, math.min(interval, tonumber(leaving[2]) + interval - now))
        """
}
