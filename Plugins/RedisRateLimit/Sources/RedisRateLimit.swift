import RateLimitContract
import RedisKit
import Synchronization
import TradingModel

/// A sliding window per key in a sorted set of a Redis server, by the server's time.
///
/// Looking, counting and taking are one script, which the server runs as a whole: all gateways count together.
final class RedisRateLimit: RateLimiter {
    private let client: RedisClient
    private let clock: any TradingClock
    private let requestTimeout: Duration
    private let scripts: LoadedScripts

    init(_ configuration: RedisRateLimitPlugin.Configuration, clock: any TradingClock) {
        self.clock = clock
        requestTimeout = configuration.requestTimeout
        let scripts = LoadedScripts()
        self.scripts = scripts
        client = RedisClient(configuration.options, connectTimeout: configuration.connectTimeout, clock: clock) {
            connection, end async throws(RedisError) in
            for text in [RateScript.take] {
                guard case .reply(let reply) = await connection.send(["SCRIPT", "LOAD", text], within: end - clock.monotonic), let sha = reply.string
                else { throw RedisError("SCRIPT LOAD failed") }
                scripts.note(sha, of: text)
            }
        }
    }

    let capabilities = RateLimitCapabilities(
        isShared: true, notice: "rate_limit_backend: redis: all gateways limit together; without Redis the order store limits, then each gateway")

    func take(_ rule: RateRule) async throws(RateLimitError) -> RateDecision {
        let end = clock.monotonic + requestTimeout
        let connection: RedisConnection
        do throws(RedisError) { connection = try await client.connection(within: requestTimeout) } catch { throw .unavailable(error.description) }
        let id = Self.name()
        let rest = ["1", rule.key, "\(rule.limit)", "\(rule.interval.wholeMicroseconds)", id]
        var outcome = await connection.send(["EVALSHA", scripts.sha(of: RateScript.take)] + rest, within: end - clock.monotonic)
        if case .reply(.error(let text)) = outcome, text.hasPrefix("NOSCRIPT") {
            outcome = await connection.send(["EVAL", RateScript.take] + rest, within: end - clock.monotonic)
        }
        switch outcome {
        case .reply(.integer(-1)): return .taken(RateSlot(rule: rule, id: id))
        case .reply(.integer(let micros)) where micros >= 0: return .refused(retryAfter: .microseconds(max(1, micros)))
        case .reply(.error(let text)):
            // A server that has become a replica, or is not ready, is looked for anew.
            if text.hasPrefix("READONLY") || text.hasPrefix("LOADING") { connection.close() }
            throw .unavailable(text)
        case .reply(let value): throw .unavailable("an answer that cannot be read: \(value)")
        case .notSent(let why), .lost(let why): throw .unavailable(why)
        }
    }

    func giveBack(_ slot: RateSlot) async { _ = await client.send(["ZREM", slot.rule.key, slot.id], within: requestTimeout) }

    /// Names one slot among all gateways'.
    private static func name() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next(), radix: 36) + String(generator.next() as UInt64 >> 32, radix: 36)
    }
}

/// The server's names of scripts.
private final class LoadedScripts: Sendable {
    private let names = Mutex<[String: String]>([:])
    func note(_ sha: String, of script: String) { names.withLock { $0[script] = sha } }
    /// Of a script that was never loaded an unknown one, which the server answers with NOSCRIPT.
    func sha(of script: String) -> String { names.withLock { $0[script] } ?? String(repeating: "0", count: 40) }
}
