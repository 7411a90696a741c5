import Foundation
import LockContract
import PostgresKit
import Synchronization
import TradingModel

/// Leases in a table of a Postgres server: one row per resource with its counter, raised in the commit that grants.
///
/// A commit is on the server's disk when it is answered; a server with settings under which it is not is refused. Leases end by the
/// server's wall clock. The epoch rises with another cluster, a promotion, and tables that are new.
final class PostgresLock: LockBackend {
    private let pool: PostgresPool
    let clock: any TradingClock
    private let schema: String
    /// Of a call as a whole, with a new connection if need be; each answer has its own limit.
    private let longestCall: Duration
    private let seenEpoch = Mutex<Int64>(0)

    init(_ configuration: PostgresLockPlugin.Configuration, clock: any TradingClock) {
        self.clock = clock
        let schema = configuration.schema
        self.schema = schema
        longestCall = configuration.connectTimeout + configuration.requestTimeout
        let postgres = PostgresConfiguration(
            url: configuration.url, connectTimeout: configuration.connectTimeout, statementTimeout: configuration.requestTimeout,
            answerTimeout: configuration.requestTimeout, lockTimeout: configuration.requestTimeout, schema: schema)
        pool = PostgresPool(
            postgres, name: "locks", options: .init(size: configuration.connections, acquireTimeout: configuration.connectTimeout, maxAge: .seconds(600)), clock: clock
        ) { connection async throws(PostgresError) in
            try await LockTables.prepare(connection, schema)
        }
    }

    let capabilities = LockCapabilities(
        isShared: true, isDurable: true, minimumTTL: .seconds(1), maximumTTL: .seconds(300),
        notice: "locks: postgres: needs fsync; leases follow the server's wall clock; asynchronous failover means stop and reconcile",
        fairness: .fifo, followsWallClock: true)

    var pools: [PoolGauges] { [pool.gauges] }

    func check() async throws(LockError) -> [String] {
        do throws(PostgresError) {
            return try await pool.withConnection(within: longestCall) { connection async throws(PostgresError) in
                _ = try await ServerSafety.check(connection)
                let question = PostgresStatement(
                    "SELECT count(*) FROM pg_stat_replication WHERE current_setting('synchronous_standby_names') = ''", isPrepared: false)
                guard let replicas = try await connection.run([question])[0].first?.integer(0), replicas > 0 else { return [] }
                return ["\(replicas) asynchronous standbys: a promoted one may have lost locks; the epoch rises with it, and the order store decides"]
            }
        } catch { throw Self.lockError(error) }
    }

    // MARK: Holding

    func acquire(
        _ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity
    ) async throws(LockError) -> AcquireResult {
        try await acquire(resource, owner: owner, ttl: ttl, holder: holder, ticket: nil)
    }

    /// One try. Without a ticket it does not overtake those who wait.
    func acquire(
        _ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity, ticket: Int64?
    ) async throws(LockError) -> AcquireResult {
        let identity: String
        do { identity = String(decoding: try JSONEncoder().encode(holder), as: UTF8.self) } catch { throw .unavailable("\(error)") }
        for _ in 0..<8 {
            let asked = clock.monotonic
            do throws(PostgresError) {
                let results = try await run(
                    [
                        LockTables.rise(above: seenEpoch.withLock { $0 }),
                        LeaseStatements.acquire(
                            resource.rawValue, owner: owner.rawValue, milliseconds: ttl.wholeMilliseconds, holder: identity, ticket: ticket),
                        LeaseStatements.find(resource.rawValue),
                    ], ttl: ttl)
                if let granted = results[1].first {
                    let fence = FencingToken(epoch: try granted.integer(0), counter: try granted.integer(1))
                    see(fence)
                    return .granted(
                        Lease(
                            resource: resource, owner: owner, fence: fence, localExpiry: Lease.localExpiry(requestedAt: asked, ttl: ttl),
                            predecessorExpired: try granted.flag(2)))
                }
                guard let found = results[2].first else {
                    // Somebody stands in line for what nobody has held yet, or the row that holds the epoch is gone.
                    try await pool.withConnection(within: timeout(ttl)) { [schema] connection async throws(PostgresError) in
                        try await LockTables.prepare(connection, schema)
                    }
                    continue
                }
                let row = try LeaseRow(found)
                if row.isLive, row.owner == owner.rawValue { return .granted(row.lease(asked: asked)) }
                // Not running, and nobody in line: it became free between the two questions.
                if row.isLive || row.waiters > 0 { return .held(row.status) }
            } catch {
                if error.kind == .outcomeUnknown { return .ambiguous }
                throw Self.lockError(error)
            }
        }
        return .held(try await inspect(resource))
    }

    func recover(_ resource: LockResource, owner: OwnerToken) async throws(LockError) -> Lease? {
        let asked = clock.monotonic
        guard let row = try await find(resource), row.isLive, row.owner == owner.rawValue else { return nil }
        return row.lease(asked: asked)
    }

    func renew(_ lease: Lease, ttl: Duration) async throws(LockError) -> RenewResult {
        let asked = clock.monotonic
        do throws(PostgresError) {
            guard let row = try await run([LeaseStatements.renew(lease, milliseconds: ttl.wholeMilliseconds)], ttl: ttl)[0].first else { return .lost }
            return .renewed(
                Lease(
                    resource: lease.resource, owner: lease.owner, fence: lease.fence,
                    localExpiry: max(lease.localExpiry, Lease.localExpiry(requestedAt: asked, ttl: ttl)), predecessorExpired: try row.flag(0)))
        } catch { throw Self.lockError(error) }
    }

    func release(_ lease: Lease) async throws(LockError) -> ReleaseResult {
        do throws(PostgresError) {
            let results = try await run([LeaseStatements.release(lease), LeaseStatements.find(lease.resource.rawValue)])
            if let done = results[0].first { return try done.flag(0) ? .released : .alreadyExpired }
            guard let found = results[1].first else { return .notOwner }
            let row = try LeaseRow(found)
            return row.state == "released" && row.owner == lease.owner.rawValue && row.fence == lease.fence ? .released : .notOwner
        } catch {
            if error.kind == .outcomeUnknown { return .ambiguous }
            throw Self.lockError(error)
        }
    }

    func forceRelease(
        _ resource: LockResource, expected: FencingToken, actor: String, reason: String
    ) async throws(LockError) -> Bool {
        do throws(PostgresError) {
            let statement = LeaseStatements.force(resource.rawValue, expected: expected, actor: actor, reason: reason)
            return try await run([statement])[0].first != nil
        } catch { throw Self.lockError(error) }
    }

    // MARK: Looking

    func inspect(_ resource: LockResource) async throws(LockError) -> LockStatus {
        try await find(resource)?.status
            ?? LockStatus(resource: resource, holder: nil, ownerPrefix: nil, fence: nil, age: nil, remaining: nil)
    }

    func list(prefix: String) async throws(LockError) -> [LockStatus] {
        do throws(PostgresError) {
            var all: [LockStatus] = []
            for row in try await run([LeaseStatements.list(prefix)])[0].rows { all.append(try LeaseRow(row).status) }
            return all
        } catch { throw Self.lockError(error) }
    }

    private func find(_ resource: LockResource) async throws(LockError) -> LeaseRow? {
        do throws(PostgresError) {
            guard let row = try await run([LeaseStatements.find(resource.rawValue)])[0].first else { return nil }
            return try LeaseRow(row)
        } catch { throw Self.lockError(error) }
    }

    // MARK: Asking

    /// Not longer than a fifth of the lease, so that a holder learns of trouble while there is time.
    func timeout(_ ttl: Duration?) -> Duration { ttl.map { min(longestCall, $0 / 5) } ?? longestCall }

    /// One batch, which is one transaction. Tables that are gone are made anew, once: then nothing of it had been done.
    func run(_ statements: [PostgresStatement], ttl: Duration? = nil) async throws(PostgresError) -> [PostgresResult] {
        let schema = schema
        return try await pool.withConnection(within: timeout(ttl)) { connection async throws(PostgresError) in
            do throws(PostgresError) { return try await connection.run(statements) } catch {
                guard error.kind == .refused(.undefinedTable) else { throw error }
                try await LockTables.prepare(connection, schema)
                return try await connection.run(statements)
            }
        }
    }

    private func see(_ fence: FencingToken) { seenEpoch.withLock { $0 = max($0, fence.epoch) } }

    static func lockError(_ error: PostgresError) -> LockError {
        switch error.kind {
        case .unsafeServer: .refused(error.description)
        case .cancelled: .cancelled
        default: .unavailable(error.description)
        }
    }
}
