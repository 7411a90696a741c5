import Dispatch
import Foundation
import GRDB
import LockContract
import TradingModel

/// Leases in a file that the processes of one host share. Every call is one immediate transaction that is on the disk when it returns.
///
/// A lease is timed by the boot clock together with the boot's id. If the holder's process is proven dead (``ProcessLiveness``), the
/// lease is taken at once, and without the lock delay: what the delay waits for, a holder that still acts, cannot happen any more.
/// A call runs to its end on a queue of its own, whatever becomes of the calling task, so that its outcome is always known.
final class SQLiteLock: LockBackend {
    private let database: DatabaseQueue
    private let clock: any TradingClock
    private let bootID: String
    private let epoch: Int64
    private let queue = DispatchQueue(label: "turnstile.locks")

    /// - Parameter bootID: The current boot; a test passes another one to play a restart of the machine.
    init(path: String, clock: any TradingClock, bootID: String? = nil) throws {
        let bootID = bootID ?? HolderIdentity.current(gateway: "", purpose: "").bootID
        guard !bootID.isEmpty else { throw LockOpeningError(description: "the boot id of this machine cannot be read; shared locks need it") }
        self.bootID = bootID
        self.clock = clock
        database = try LeaseTable.open(path: path, now: clock.wallTime)
        guard let epoch = try database.read({ try Int64.fetchOne($0, sql: "SELECT epoch FROM lock_file") }) else {
            throw LockOpeningError(description: "\(path) has no epoch")
        }
        self.epoch = epoch
    }

    let capabilities = LockCapabilities(
        isShared: true, isDurable: true, minimumTTL: .milliseconds(200), maximumTTL: .seconds(300),
        notice: "locks: sqlite: one host, local disk, synchronous FULL")

    func acquire(
        _ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity
    ) async throws(LockError) -> AcquireResult {
        let requestedAt = clock.monotonic
        return try await transaction { [self] db in
            let now = clock.monotonic
            let before = try LeaseRow.find(db, resource)
            if let before, before.isLive(at: now, bootID: bootID) {
                if before.owner == owner { return .granted(lease(before)) }
                guard ProcessLiveness.isProvenDead(before.holder) else { return .held(status(before, at: now)) }
            }
            let wasLeft = before.map { $0.state != .released && !ProcessLiveness.isProvenDead($0.holder) } ?? false
            let row = LeaseRow(
                resource: resource, counter: (before?.counter ?? 0) + 1, owner: owner, predecessorExpired: wasLeft, bootID: bootID,
                grantedAt: now, expiresAt: now + ttl, holder: holder)
            try row.save(db)
            return .granted(lease(row, localExpiry: Lease.localExpiry(requestedAt: requestedAt, ttl: ttl)))
        }
    }

    func recover(_ resource: LockResource, owner: OwnerToken) async throws(LockError) -> Lease? {
        try await transaction { [self] db in
            guard let row = try LeaseRow.find(db, resource), row.owner == owner, row.isLive(at: clock.monotonic, bootID: bootID) else {
                return nil
            }
            return lease(row)
        }
    }

    func renew(_ lease: Lease, ttl: Duration) async throws(LockError) -> RenewResult {
        let requestedAt = clock.monotonic
        return try await transaction { [self] db in
            let now = clock.monotonic
            guard var row = try LeaseRow.find(db, lease.resource), fence(row) == lease.fence, row.owner == lease.owner,
                row.isLive(at: now, bootID: bootID)
            else { return .lost }
            row.expiresAt = max(row.expiresAt, now + ttl)
            try row.save(db)
            return .renewed(self.lease(row, localExpiry: max(lease.localExpiry, Lease.localExpiry(requestedAt: requestedAt, ttl: ttl))))
        }
    }

    func release(_ lease: Lease) async throws(LockError) -> ReleaseResult {
        try await transaction { [self] db in
            guard var row = try LeaseRow.find(db, lease.resource), fence(row) == lease.fence, row.owner == lease.owner else { return .notOwner }
            switch row.state {
            case .released: return .released
            case .forced: return .notOwner
            case .held:
                let wasLive = row.isLive(at: clock.monotonic, bootID: bootID)
                row.state = .released
                try row.save(db)
                return wasLive ? .released : .alreadyExpired
            }
        }
    }

    func inspect(_ resource: LockResource) async throws(LockError) -> LockStatus {
        try await transaction { [self] db in
            guard let row = try LeaseRow.find(db, resource) else {
                return LockStatus(resource: resource, holder: nil, ownerPrefix: nil, fence: nil, age: nil, remaining: nil)
            }
            return status(row, at: clock.monotonic)
        }
    }

    func list(prefix: String) async throws(LockError) -> [LockStatus] {
        try await transaction { [self] db in
            let now = clock.monotonic
            return try LeaseRow.all(db, prefix: prefix).map { status($0, at: now) }
        }
    }

    func forceRelease(
        _ resource: LockResource, expected: FencingToken, actor: String, reason: String
    ) async throws(LockError) -> Bool {
        try await transaction { [self] db in
            guard var row = try LeaseRow.find(db, resource), row.state == .held, fence(row) == expected else { return false }
            row.state = .forced
            try row.save(db)
            try db.execute(
                sql: "INSERT INTO forced_releases (at, resource, counter, actor, reason) VALUES (?, ?, ?, ?, ?)",
                arguments: [clock.wallTime.microseconds, resource.rawValue, row.counter, actor, reason])
            return true
        }
    }

    // MARK: Helpers

    private func fence(_ row: LeaseRow) -> FencingToken { FencingToken(epoch: epoch, counter: row.counter) }

    /// Without the instant of the request, a tenth of the whole period before the real end is certainly early enough.
    private func lease(_ row: LeaseRow, localExpiry: MonotonicInstant? = nil) -> Lease {
        Lease(
            resource: row.resource, owner: row.owner, fence: fence(row),
            localExpiry: localExpiry ?? row.expiresAt - (row.expiresAt - row.grantedAt) / 10, predecessorExpired: row.predecessorExpired)
    }

    private func status(_ row: LeaseRow, at now: MonotonicInstant) -> LockStatus {
        guard row.state == .held else {
            return LockStatus(resource: row.resource, holder: nil, ownerPrefix: nil, fence: fence(row), age: nil, remaining: nil)
        }
        let isThisBoot = row.bootID == bootID
        return LockStatus(
            resource: row.resource, holder: row.holder, ownerPrefix: row.owner.prefix, fence: fence(row),
            age: isThisBoot ? now - row.grantedAt : nil, remaining: isThisBoot ? row.expiresAt - now : nil)
    }

    private func transaction<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(LockError) -> T {
        let result: Result<T, LockError> = await withCheckedContinuation { continuation in
            queue.async { [database] in
                do {
                    let value = try database.writeWithoutTransaction { db in
                        var value: T?
                        try db.inTransaction(.immediate) {
                            value = try body(db)
                            return .commit
                        }
                        return value
                    }
                    guard let value else { throw DatabaseError(message: "the transaction gave no answer") }
                    continuation.resume(returning: .success(value))
                } catch { continuation.resume(returning: .failure(.unavailable("\(error)"))) }
            }
        }
        return try result.get()
    }
}
