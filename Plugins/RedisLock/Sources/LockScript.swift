import RedisKit
import Synchronization
import TradingModel

/// One step on one lock, executed by the server as a whole: nothing comes between its parts.
///
/// Keys: the lock (a hash that expires with the lease), its fence (a hash that is never deleted), and the epoch.
struct LockScript: Sendable {
    let name: String
    let text: String

    /// Reads and, where counters may have been lost, raises the epoch. `run` names the server's process, `seen` is the greatest epoch
    /// that the caller has seen. A restarted or promoted server, restored data and a missing counter each raise it.
    private static let epoch = """
        local function current_epoch(run, seen, must_rise)
          local e = redis.call('HMGET', KEYS[3], 'epoch', 'run', 'since')
          local t = redis.call('TIME')
          local now = t[1] * 1000000 + t[2]
          local n = tonumber(e[1]) or 0
          local is_known = e[1] and e[2] == run and n >= tonumber(seen)
          if not is_known or must_rise then
            n = math.max(n + 1, tonumber(seen) + 1, now)
            redis.call('HSET', KEYS[3], 'epoch', string.format('%.0f', n), 'run', run)
            if not is_known then
              redis.call('HSET', KEYS[3], 'since', string.format('%.0f', now))
              e[3] = now
            end
          end
          return string.format('%.0f', n), now, tonumber(e[3]) or now
        end

        """

    private static let show = """
        local function show(word)
          local l = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'counter', 'expired', 'granted', 'ttl', 'holder')
          local t = redis.call('TIME')
          local age = t[1] * 1000 + math.floor(t[2] / 1000) - (tonumber(l[5]) or 0)
          return {word, l[2], l[3], l[4], redis.call('PTTL', KEYS[1]), l[6], age, string.sub(l[1] or '', 1, 8), l[7]}
        end
        local function is_held_by(owner, epoch, counter)
          local l = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'counter')
          return l[1] == owner and l[2] == epoch and l[3] == counter
        end

        """

    /// ARGV: owner, ttl in ms, holder, run, seen epoch.
    static let acquire = LockScript(
        name: "acquire",
        text: epoch + show + """
            local owner = redis.call('HGET', KEYS[1], 'owner')
            if owner == ARGV[1] then return show('own') end
            if owner then return show('held') end
            local f = redis.call('HMGET', KEYS[2], 'counter', 'state', 'run')
            local epoch, now, since = current_epoch(ARGV[4], ARGV[5], not f[1])
            -- Whoever held before is gone for certain only if its release is on record since this server started. Without any record a
            -- holder from before the data was lost may live on, for at most the longest lease.
            local expired = '1'
            if f[1] and f[2] == 'released' and f[3] == ARGV[4] then expired = '0' end
            if not f[1] and now - since > 300000000 then expired = '0' end
            local counter = string.format('%.0f', redis.call('HINCRBY', KEYS[2], 'counter', 1))
            redis.call('HSET', KEYS[2], 'epoch', epoch, 'owner', ARGV[1], 'state', 'held', 'run', ARGV[4])
            redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'epoch', epoch, 'counter', counter, 'expired', expired,
              'granted', string.format('%.0f', math.floor(now / 1000)), 'ttl', ARGV[2], 'holder', ARGV[3])
            redis.call('PEXPIRE', KEYS[1], ARGV[2])
            return {'granted', epoch, counter, expired}
            """)

    /// ARGV: owner.
    static let recover = LockScript(
        name: "recover",
        text: show + """
            if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then return show('own') end
            return {'none'}
            """)

    /// ARGV: owner, epoch, counter, ttl in ms.
    static let renew = LockScript(
        name: "renew",
        text: show + """
            if not is_held_by(ARGV[1], ARGV[2], ARGV[3]) then return {'lost'} end
            if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then
              redis.call('PEXPIRE', KEYS[1], ARGV[4])
              redis.call('HSET', KEYS[1], 'ttl', ARGV[4])
            end
            return {'renewed', redis.call('HGET', KEYS[1], 'expired')}
            """)

    /// ARGV: owner, epoch, counter, run.
    static let release = LockScript(
        name: "release",
        text: show + """
            local f = redis.call('HMGET', KEYS[2], 'owner', 'epoch', 'counter', 'state')
            if f[1] ~= ARGV[1] or f[2] ~= ARGV[2] or f[3] ~= ARGV[3] then return {'not_owner'} end
            if f[4] ~= 'held' then return {f[4] == 'released' and 'released' or 'not_owner'} end
            redis.call('HSET', KEYS[2], 'state', 'released', 'run', ARGV[4])
            if not is_held_by(ARGV[1], ARGV[2], ARGV[3]) then return {'expired'} end
            redis.call('DEL', KEYS[1])
            return {'released'}
            """)

    static let inspect = LockScript(
        name: "inspect",
        text: show + """
            if redis.call('HEXISTS', KEYS[1], 'owner') == 1 then return show('held') end
            local f = redis.call('HMGET', KEYS[2], 'epoch', 'counter')
            if not f[1] then return {'never'} end
            return {'free', f[1], f[2]}
            """)

    /// ARGV: epoch, counter, actor, reason. The deed is recorded in the stream KEYS[3].
    static let force = LockScript(
        name: "force",
        text: """
            local f = redis.call('HMGET', KEYS[2], 'epoch', 'counter', 'state')
            if f[1] ~= ARGV[1] or f[2] ~= ARGV[2] or f[3] ~= 'held' then return {'no'} end
            redis.call('HSET', KEYS[2], 'state', 'forced')
            local l = redis.call('HMGET', KEYS[1], 'epoch', 'counter')
            if l[1] == ARGV[1] and l[2] == ARGV[2] then redis.call('DEL', KEYS[1]) end
            redis.call('XADD', KEYS[3], 'MAXLEN', '~', '10000', '*', 'resource', KEYS[1], 'epoch', ARGV[1], 'counter', ARGV[2],
              'actor', ARGV[3], 'reason', ARGV[4])
            return {'yes'}
            """)

    static let all = [acquire, recover, renew, release, inspect, force]

    /// Loads all of them; each with the name that the server gives it, nil where it did not.
    static func load(over connection: RedisConnection, within timeout: Duration) async -> [(LockScript, sha: String?)] {
        await withTaskGroup(of: (LockScript, sha: String?).self) { group in
            for script in all {
                group.addTask {
                    guard case .reply(let value) = await connection.send(["SCRIPT", "LOAD", script.text], within: timeout) else { return (script, nil) }
                    return (script, value.error == nil ? value.string : nil)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }
}
