import Foundation
import LockContract
import Logging
import RedisKit
import TradingModel

/// Leases on one Redis server. Each call is one script, which the server executes as a whole.
///
/// The fence's counter is raised in the script that grants, and is never deleted. Redis ends leases by its wall clock and can lose
/// what it has acknowledged; the epoch rises with every restart, promotion, flush and restored copy, so that fences never repeat.
final class RedisLock: LockBackend {
    private let client: RedisClient
    private let clock: any TradingClock
    private let requestTimeout: Duration
    private let facts: FactsBox
    /// The fields of one reply.
    typealias Fields = [RESPValue]

    init(_ configuration: RedisLockPlugin.Configuration, clock: any TradingClock, logger: Logger) {
        let facts = FactsBox()
        self.facts = facts
        self.clock = clock
        requestTimeout = configuration.requestTimeout
        client = RedisClient(configuration.options, connectTimeout: configuration.connectTimeout, clock: clock) {
            connection, end async throws(RedisError) in
            do throws(RedisError) {
                // All at once: a connection to a slow server is ready after one round trip.
                async let loaded = LockScript.load(over: connection, within: end - clock.monotonic)
                let server = try await ServerFacts.read(connection, within: end - clock.monotonic)
                for (script, sha) in await loaded {
                    guard let sha else { throw RedisError("SCRIPT LOAD of \(script.name) failed") }
                    facts.note(sha: sha, of: script)
                }
                if facts.note(server) {
                    for warning in server.warnings { logger.warning("\(warning)", metadata: ["locks": "redis"]) }
                }
            } catch {
                if error.isRefusal, facts.note(refusal: error.description) {
                    logger.error("lock backend refused: \(error)", metadata: ["locks": "redis"])
                }
                throw error
            }
        }
    }

    let capabilities = LockCapabilities(
        isShared: true, isDurable: false, minimumTTL: .seconds(1), maximumTTL: .seconds(300),
        notice: "locks: redis: Redis can grant twice, and its leases follow its wall clock; safety comes from the order store; Redis loss stops trading",
        fairness: .bestEffort, followsWallClock: true, resolution: .milliseconds(1))

    func check() async throws(LockError) -> [String] {
        do throws(RedisError) {
            let connection = try await client.connection(within: requestTimeout)
            return try await ServerFacts.read(connection, within: requestTimeout).warnings
        } catch { throw error.isRefusal ? .refused(error.description) : .unavailable(error.description) }
    }

    // MARK: Holding

    func acquire(
        _ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity
    ) async throws(LockError) -> AcquireResult {
        let asked = clock.monotonic
        let arguments = [owner.rawValue, "\(ttl.wholeMilliseconds)", try text(holder)]
        // The server's process and the greatest epoch are those of the connection that the command goes out on.
        switch await execute(.acquire, resource, arguments, ttl: ttl, withServer: true) {
        case .success(let fields):
            switch fields.first?.string {
            case "granted": return .granted(try lease(resource, owner, fields, localExpiry: Lease.localExpiry(requestedAt: asked, ttl: ttl)))
            case "own": return .granted(try lease(resource, owner, fields, localExpiry: bound(fields, asked: asked)))
            case "held": return .held(try status(resource, fields))
            default: throw .unavailable("an answer that cannot be read: \(fields)")
            }
        case .failure(.lost): return .ambiguous
        case .failure(let failure): throw failure.error
        }
    }

    func recover(_ resource: LockResource, owner: OwnerToken) async throws(LockError) -> Lease? {
        let asked = clock.monotonic
        let fields = try await reply(.recover, resource, [owner.rawValue])
        guard fields.first?.string == "own" else { return nil }
        return try lease(resource, owner, fields, localExpiry: bound(fields, asked: asked))
    }

    func renew(_ lease: Lease, ttl: Duration) async throws(LockError) -> RenewResult {
        let asked = clock.monotonic
        let arguments = [lease.owner.rawValue, "\(lease.fence.epoch)", "\(lease.fence.counter)", "\(ttl.wholeMilliseconds)"]
        let fields = try await reply(.renew, lease.resource, arguments, ttl: ttl)
        guard fields.first?.string == "renewed" else { return .lost }
        return .renewed(
            Lease(
                resource: lease.resource, owner: lease.owner, fence: lease.fence,
                localExpiry: max(lease.localExpiry, Lease.localExpiry(requestedAt: asked, ttl: ttl)),
                predecessorExpired: fields.field(1)?.string == "1"))
    }

    func release(_ lease: Lease) async throws(LockError) -> ReleaseResult {
        let arguments = [lease.owner.rawValue, "\(lease.fence.epoch)", "\(lease.fence.counter)"]
        switch await execute(.release, lease.resource, arguments, withServer: true) {
        case .success(let fields):
            switch fields.first?.string {
            case "released": return .released
            case "expired": return .alreadyExpired
            default: return .notOwner
            }
        case .failure(.lost): return .ambiguous
        case .failure(let failure): throw failure.error
        }
    }

    // MARK: Looking

    func inspect(_ resource: LockResource) async throws(LockError) -> LockStatus {
        try status(resource, try await reply(.inspect, resource, []))
    }

    func list(prefix: String) async throws(LockError) -> [LockStatus] {
        var names: Set<String> = []
        var cursor = "0"
        repeat {
            let pattern = RedisKeys.fence(LockResource(rawValue: prefix)).literal + "*"
            guard case .reply(let value) = await client.send(["SCAN", cursor, "MATCH", pattern, "COUNT", "1000"], within: requestTimeout),
                let parts = value.array, parts.count == 2, let next = parts[0].string
            else { throw .unavailable("no answer to SCAN") }
            for key in parts[1].array ?? [] { if let name = key.string.flatMap(RedisKeys.resource(ofFence:)) { names.insert(name) } }
            cursor = next
        } while cursor != "0"
        var all: [LockStatus] = []
        for name in names.sorted() { all.append(try await inspect(LockResource(rawValue: name))) }
        return all
    }

    func forceRelease(
        _ resource: LockResource, expected: FencingToken, actor: String, reason: String
    ) async throws(LockError) -> Bool {
        let arguments = ["\(expected.epoch)", "\(expected.counter)", actor, reason]
        return try await reply(.force, resource, arguments, third: RedisKeys.forced).first?.string == "yes"
    }

    // MARK: Asking

    private enum Failure: Error {
        case notSent(LockError)
        /// It may have been executed.
        case lost(String)
        var error: LockError {
            switch self {
            case .notSent(let error): error
            case .lost(let why): .unavailable(why)
            }
        }
    }

    private func reply(
        _ script: LockScript, _ resource: LockResource, _ arguments: [String], ttl: Duration? = nil, third: String = RedisKeys.epoch
    ) async throws(LockError) -> Fields {
        switch await execute(script, resource, arguments, ttl: ttl, third: third) {
        case .success(let fields): return fields
        case .failure(let failure): throw failure.error
        }
    }

    /// Errors that the server gives before any part of a script has been executed. Source: redis.io, "Redis error codes" and EVAL.
    private static let refusedWhole: Set<String> = [
        "NOSCRIPT", "NOAUTH", "NOPERM", "LOADING", "READONLY", "MISCONF", "OOM", "MASTERDOWN", "BUSY", "WRONGPASS",
    ]

    /// Not longer than a fifth of the lease, so that a holder learns of trouble while there is time.
    private func timeout(_ ttl: Duration?) -> Duration { ttl.map { min(requestTimeout, $0 / 5) } ?? requestTimeout }

    private func execute(
        _ script: LockScript, _ resource: LockResource, _ arguments: [String], ttl: Duration? = nil, third: String = RedisKeys.epoch,
        withServer: Bool = false
    ) async -> Result<Fields, Failure> {
        let timeout = timeout(ttl)
        let end = clock.monotonic + timeout
        let connection: RedisConnection
        do throws(RedisError) { connection = try await client.connection(within: timeout) } catch {
            return .failure(.notSent(Task.isCancelled ? .cancelled : error.isRefusal ? .refused(error.description) : .unavailable(error.description)))
        }
        // Of this connection: a later one belongs to another process of the server only if this one has ended.
        guard let sent = facts.sent(by: script) else { return .failure(.notSent(.unavailable("the connection is not ready"))) }
        let keys = ["3", resource.rawValue, RedisKeys.fence(resource), third]
        let rest = keys + arguments + (withServer ? [sent.run] : []) + (script.name == LockScript.acquire.name ? ["\(sent.epoch)"] : [])
        var outcome = await connection.send(["EVALSHA", sent.sha] + rest, within: end - clock.monotonic)
        if case .reply(.error(let text)) = outcome, text.hasPrefix("NOSCRIPT") {
            outcome = await connection.send(["EVAL", script.text] + rest, within: end - clock.monotonic)
        }
        switch outcome {
        case .reply(.array(let fields)):
            if let epoch = fields.field(1)?.integer { facts.see(epoch) }
            return .success(fields)
        case .reply(.error(let text)):
            let code = String(text.prefix { $0 != " " })
            // A server that has become a replica is judged anew on a new connection.
            if code == "READONLY" || code == "LOADING" { connection.close() }
            return .failure(Self.refusedWhole.contains(code) ? .notSent(.unavailable(text)) : .lost(text))
        case .reply(let value): return .failure(.lost("an answer that cannot be read: \(value)"))
        case .notSent(let why): return .failure(.notSent(.unavailable(why)))
        case .lost(let why): return .failure(.lost(why))
        }
    }
}
