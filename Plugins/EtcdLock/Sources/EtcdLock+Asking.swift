import AdapterKit
import Foundation
import LockContract
import TradingModel

/// What must hold for a transaction to act.
enum EtcdComparison {
    /// The key was made at this revision; 0 says that it is not there.
    case created(String, Int64)
    /// The key was written last at this revision; 0 says that it is not there.
    case modified(String, Int64)

    var json: WireJSON {
        switch self {
        case .created(let key, let revision):
            ["key": key.base64, "target": "CREATE", "result": "EQUAL", "create_revision": .string("\(revision)")]
        case .modified(let key, let revision):
            ["key": key.base64, "target": "MOD", "result": "EQUAL", "mod_revision": .string("\(revision)")]
        }
    }
}

/// One change of a transaction.
enum EtcdOperation {
    case put(String, text: String, lease: Int64)
    case delete(String)

    static func put(_ key: String, _ value: some Encodable, lease: Int64 = 0) throws(LockError) -> EtcdOperation {
        do { return .put(key, text: String(decoding: try JSONEncoder().encode(value), as: UTF8.self), lease: lease) } catch {
            throw .unavailable("\(error)")
        }
    }

    var json: WireJSON {
        switch self {
        case .put(let key, let text, let lease):
            ["request_put": ["key": key.base64, "value": text.base64, "lease": .string("\(lease)")]]
        case .delete(let key): ["request_delete_range": ["key": key.base64]]
        }
    }
}

extension OwnerToken {
    /// Two numbers for leases of etcd's, derived from the token, so that a lost answer leaves no lease that its owner cannot name.
    var leaseNumbers: [Int64] {
        func number(_ text: Substring, _ fallback: Int64) -> Int64 {
            let value = Int64(truncatingIfNeeded: UInt64(text, radix: 16) ?? UInt64(bitPattern: Int64(text.hashValue))) & Int64.max
            return value == 0 ? fallback : value
        }
        return [number(rawValue.prefix(16), 1), number(rawValue.dropFirst(16).prefix(16), 2)]
    }
}

extension EtcdLock {
    func transact(
        _ comparisons: [EtcdComparison], _ operations: [EtcdOperation], within timeout: Duration
    ) async throws(EtcdFailure) -> (succeeded: Bool, revision: Int64) {
        let reply = try await client.call(
            "/v3/kv/txn", ["compare": .array(comparisons.map(\.json)), "success": .array(operations.map(\.json))], within: timeout)
        guard let header = reply["header"] else { throw .lost("an answer that cannot be read: \(reply.text)") }
        return (reply["succeeded"]?.boolean ?? false, header.number("revision"))
    }

    // MARK: Leases of etcd's

    /// Makes a lease, or finds it made; returns its period. Whole seconds, rounded up.
    func grantLease(_ number: Int64, _ ttl: Duration, within timeout: Duration) async throws(LockError) -> Duration {
        let seconds = max(2, (ttl.wholeMilliseconds + 999) / 1000)
        do throws(EtcdFailure) {
            let reply = try await client.call("/v3/lease/grant", ["ID": .string("\(number)"), "TTL": .string("\(seconds)")], within: timeout)
            return .seconds(reply.number("TTL"))
        } catch {
            guard error.isAlreadyThere else { throw unavailable(error) }
            return try await keepAlive(number, within: timeout)
        }
    }

    /// Starts a lease's period anew and returns it; zero if the lease has ended.
    func keepAlive(_ number: Int64, within timeout: Duration) async throws(LockError) -> Duration {
        do throws(EtcdFailure) {
            return .seconds(try await client.call("/v3/lease/keepalive", ["ID": .string("\(number)")], within: timeout).number("TTL"))
        } catch {
            if error.isNotFound { return .zero }
            throw unavailable(error)
        }
    }

    /// What remains of a lease, rounded down to seconds, and its period; both zero if it has ended.
    func life(of number: Int64) async throws(LockError) -> (remaining: Duration, granted: Duration) {
        do throws(EtcdFailure) {
            let reply = try await client.call("/v3/lease/timetolive", ["ID": .string("\(number)")], within: requestTimeout)
            return (.seconds(max(0, reply.number("TTL"))), .seconds(reply.number("grantedTTL")))
        } catch {
            if error.isNotFound { return (.zero, .zero) }
            throw unavailable(error)
        }
    }

    /// Ends a lease. What is not ended here ends by its own time.
    func revoke(_ number: Int64) async {
        _ = try? await client.call("/v3/lease/revoke", ["ID": .string("\(number)")], within: requestTimeout)
    }

    /// Puts a lock's key on another lease; the revision that made it stays.
    func put(_ lock: EtcdEntry, _ record: LockRecord, on number: Int64, within timeout: Duration) async throws(LockError) -> Bool {
        let operation = try EtcdOperation.put(lock.key, record, lease: number)
        do throws(EtcdFailure) { return try await transact([.modified(lock.key, lock.modified)], [operation], within: timeout).succeeded } catch {
            throw unavailable(error)
        }
    }

    // MARK: In the contract's types

    func lease(_ resource: LockResource, _ record: LockRecord, _ lock: EtcdEntry, localExpiry: MonotonicInstant) -> Lease {
        Lease(
            resource: resource, owner: OwnerToken(rawValue: record.owner), fence: FencingToken(epoch: record.epoch, counter: lock.created),
            localExpiry: localExpiry, predecessorExpired: record.predecessorExpired)
    }

    func status(_ resource: LockResource, _ sight: LockSight) async throws(LockError) -> LockStatus {
        guard let lock = sight.lock, let record = sight.lockRecord else {
            return LockStatus(
                resource: resource, holder: nil, ownerPrefix: nil, fence: sight.lastFence, age: nil, remaining: nil, waiters: sight.waiters)
        }
        let age = Duration.microseconds(max(0, clock.wallTime.microseconds - record.grantedAt))
        return LockStatus(
            resource: resource, holder: record.holder, ownerPrefix: OwnerToken(rawValue: record.owner).prefix,
            fence: FencingToken(epoch: record.epoch, counter: lock.created), age: age, remaining: try await life(of: lock.lease).remaining,
            waiters: sight.waiters)
    }
}

/// What operators should know about a cluster.
enum EtcdFacts {
    static func warnings(version: String, members: Int) -> [String] {
        var warnings: [String] = []
        let numbers = version.split(separator: ".").map { Int($0) ?? 0 }
        if numbers.lexicographicallyPrecedes([3, 5, 6]) {
            warnings.append("etcd \(version) is older than 3.5.6, before which data could become inconsistent after a crash; upgrade")
        }
        if members < 3 { warnings.append("etcd has \(members) member\(members == 1 ? "" : "s"): the loss of one stops trading") }
        return warnings
    }
}
