import AdapterKit
import Foundation
import LockContract
import Logging
import Synchronization
import TradingModel

/// Leases on etcd. A lock is a key that hangs on a lease of etcd's; the revision that made it is the fence's counter.
///
/// Each change is one transaction that compares what was read before. Revisions never go back in a living cluster; a fresh or restored
/// one is recognised by its id, its revision or the missing record, and raises the epoch.
final class EtcdLock: LockBackend {
    let client: EtcdClient
    let clock: any TradingClock
    let requestTimeout: Duration
    private let logger: Logger
    private struct Seen {
        var epoch: Int64 = 0
        var revision: Int64 = 0
    }
    private let seen = Mutex(Seen())

    init(_ configuration: EtcdLockPlugin.Configuration, clock: any TradingClock, logger: Logger) {
        client = EtcdClient(configuration, clock: clock)
        self.clock = clock
        self.logger = logger
        requestTimeout = configuration.requestTimeout
    }

    let capabilities = LockCapabilities(
        isShared: true, isDurable: true, minimumTTL: .seconds(2), maximumTTL: .seconds(300),
        notice: "locks: etcd: 3 or more members, or its loss stops trading", fairness: .fifo, resolution: .seconds(1))

    // MARK: Holding

    func acquire(
        _ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity
    ) async throws(LockError) -> AcquireResult {
        try await acquire(resource, owner: owner, ttl: ttl, holder: holder, ticket: nil)
    }

    func recover(_ resource: LockResource, owner: OwnerToken) async throws(LockError) -> Lease? {
        let asked = clock.monotonic
        let sight = try await look(at: resource)
        guard let lock = sight.lock, let record = sight.lockRecord, record.owner == owner.rawValue else { return nil }
        let life = try await life(of: lock.lease)
        guard life.remaining > .zero || life.granted > .zero else { return nil }
        return lease(resource, record, lock, localExpiry: asked + life.remaining - life.granted / 10)
    }

    func renew(_ lease: Lease, ttl: Duration) async throws(LockError) -> RenewResult {
        let timeout = timeout(ttl)
        let asked = clock.monotonic
        for _ in 0..<5 {
            let sight = try await look(at: lease.resource, within: timeout)
            guard let lock = sight.lock, let record = sight.lockRecord, isHeld(by: lease, lock, record) else { return .lost }
            let granted = try await keepAlive(lock.lease, within: timeout)
            guard granted > .zero else { return .lost }
            var period = granted
            if granted < ttl {
                // A lease's period is fixed: a longer one is another lease, on which the key is put.
                let longer = lease.owner.leaseNumbers.first { $0 != lock.lease } ?? 0
                period = try await grantLease(longer, ttl, within: timeout)
                guard try await put(lock, record, on: longer, within: timeout) else { continue }
                await revoke(lock.lease)
            }
            let bound = Lease.localExpiry(requestedAt: asked, ttl: min(ttl, period))
            return .renewed(
                Lease(
                    resource: lease.resource, owner: lease.owner, fence: lease.fence, localExpiry: max(lease.localExpiry, bound),
                    predecessorExpired: record.predecessorExpired))
        }
        throw .unavailable("the lock changed again and again")
    }

    func release(_ lease: Lease) async throws(LockError) -> ReleaseResult {
        for _ in 0..<5 {
            let sight = try await look(at: lease.resource)
            guard let fence = sight.fence, var record = sight.fenceRecord, sight.lastFence == lease.fence, record.owner == lease.owner.rawValue
            else { return .notOwner }
            switch record.state {
            case .released: return .released
            case .forced: return .notOwner
            case .held: break
            }
            record.state = .released
            record.counter = lease.fence.counter
            let isLive = sight.lock?.created == lease.fence.counter
            var operations = [try EtcdOperation.put(EtcdKeys.fence(lease.resource), record)]
            if isLive { operations.append(.delete(lease.resource.rawValue)) }
            do throws(EtcdFailure) {
                let comparisons = [
                    EtcdComparison.modified(EtcdKeys.fence(lease.resource), fence.modified),
                    EtcdComparison.created(lease.resource.rawValue, isLive ? lease.fence.counter : 0),
                ]
                guard try await transact(comparisons, operations, within: requestTimeout).succeeded else { continue }
            } catch {
                if case .lost = error { return .ambiguous }
                throw unavailable(error)
            }
            if let number = sight.lock?.lease, isLive { await revoke(number) }
            return isLive ? .released : .alreadyExpired
        }
        throw .unavailable("the lock changed again and again")
    }

    func forceRelease(
        _ resource: LockResource, expected: FencingToken, actor: String, reason: String
    ) async throws(LockError) -> Bool {
        let sight = try await look(at: resource)
        guard let fence = sight.fence, var record = sight.fenceRecord, sight.lastFence == expected, record.state == .held else { return false }
        record.state = .forced
        record.counter = expected.counter
        let deed = ForcedRelease(
            resource: resource.rawValue, fence: expected, actor: actor, reason: reason, at: clock.wallTime.microseconds)
        let operations = [
            try EtcdOperation.put(EtcdKeys.fence(resource), record), .delete(resource.rawValue), try .put(EtcdKeys.forced(expected), deed),
        ]
        do throws(EtcdFailure) {
            let isDone = try await transact([.modified(EtcdKeys.fence(resource), fence.modified)], operations, within: requestTimeout).succeeded
            if isDone, let number = sight.lock?.lease { await revoke(number) }
            return isDone
        } catch { throw unavailable(error) }
    }

    // MARK: Looking

    func inspect(_ resource: LockResource) async throws(LockError) -> LockStatus {
        try await status(resource, try await look(at: resource))
    }

    func list(prefix: String) async throws(LockError) -> [LockStatus] {
        let key = EtcdKeys.fence(LockResource(rawValue: prefix))
        let reply: WireJSON
        do throws(EtcdFailure) {
            reply = try await client.call(
                "/v3/kv/range", ["key": key.base64, "range_end": key.prefixEnd, "keys_only": true, "limit": "10000"], within: requestTimeout)
        } catch { throw unavailable(error) }
        var all: [LockStatus] = []
        for entry in (reply["kvs"]?.array ?? []).compactMap(EtcdEntry.init) {
            all.append(try await inspect(LockResource(rawValue: String(entry.key.dropFirst(EtcdKeys.fence("").count)))))
        }
        return all
    }

    func check() async throws(LockError) -> [String] {
        do throws(EtcdFailure) {
            let status = try await client.call("/v3/maintenance/status", [:], within: requestTimeout)
            let members = try await client.call("/v3/cluster/member/list", [:], within: requestTimeout)["members"]?.array?.count ?? 0
            return EtcdFacts.warnings(version: status["version"]?.string ?? "", members: members)
        } catch { throw unavailable(error) }
    }

    // MARK: What was seen

    /// Reads everything about a lock at one revision.
    func look(at resource: LockResource, within timeout: Duration? = nil) async throws(LockError) -> LockSight {
        let known = seen.withLock { $0.revision }
        let line = EtcdKeys.line(resource)
        let reads: [WireJSON] = [
            ["request_range": ["key": resource.rawValue.base64]], ["request_range": ["key": EtcdKeys.fence(resource).base64]],
            ["request_range": ["key": EtcdKeys.epoch.base64]],
            [
                "request_range": [
                    "key": line.base64, "range_end": line.prefixEnd, "sort_order": "ASCEND", "sort_target": "CREATE", "limit": "1",
                ]
            ],
        ]
        let reply: WireJSON
        do throws(EtcdFailure) {
            reply = try await client.call("/v3/kv/txn", ["success": .array(reads)], within: timeout ?? requestTimeout)
        } catch { throw unavailable(error) }
        let ranges = (reply["responses"]?.array ?? []).compactMap { $0["response_range"] }
        guard ranges.count == reads.count, let header = reply["header"] else { throw .unavailable("an answer that cannot be read: \(reply.text)") }
        let first = ranges.map { $0["kvs"]?.array?.first.flatMap(EtcdEntry.init) }
        let sight = LockSight(
            lock: first[0], fence: first[1], epoch: first[2], firstInLine: first[3], waiters: Int(ranges[3].number("count")),
            cluster: header["cluster_id"]?.decimalText ?? "", revision: header.number("revision"))
        // A revision below one that was seen before the question: the data is an older copy, or a new one.
        if sight.revision >= known { seen.withLock { $0.revision = max($0.revision, sight.revision) } }
        return sight
    }

    /// The epoch to grant under; nil after it had to be raised, when everything is to be read again.
    func epoch(of sight: LockSight, knownRevision: Int64, within timeout: Duration) async throws(LockError) -> EpochRecord? {
        let seenEpoch = seen.withLock { $0.epoch }
        if let record = sight.epochRecord, record.cluster == sight.cluster, record.epoch >= seenEpoch, sight.revision >= knownRevision {
            seen.withLock { $0.epoch = max($0.epoch, record.epoch) }
            return record
        }
        let now = clock.wallTime.microseconds
        let record = EpochRecord(epoch: max((sight.epochRecord?.epoch ?? 0) + 1, seenEpoch + 1, now), cluster: sight.cluster, since: now)
        let operation = try EtcdOperation.put(EtcdKeys.epoch, record)
        do throws(EtcdFailure) {
            let comparison = EtcdComparison.modified(EtcdKeys.epoch, sight.epoch?.modified ?? 0)
            let result = try await transact([comparison], [operation], within: timeout)
            if result.succeeded {
                logger.warning("lock epoch raised: the server is new, or its data is", metadata: ["locks": "etcd", "epoch": .stringConvertible(record.epoch)])
                seen.withLock { seen in
                    seen.epoch = max(seen.epoch, record.epoch)
                    // From here on revisions count anew.
                    seen.revision = result.revision
                }
            }
        } catch { throw unavailable(error) }
        return nil
    }

    var knownRevision: Int64 { seen.withLock { $0.revision } }
    func timeout(_ ttl: Duration) -> Duration { min(requestTimeout, ttl / 5) }

    func unavailable(_ failure: EtcdFailure) -> LockError { Task.isCancelled ? .cancelled : .unavailable(failure.description) }

    private func isHeld(by lease: Lease, _ lock: EtcdEntry, _ record: LockRecord) -> Bool {
        record.owner == lease.owner.rawValue && FencingToken(epoch: record.epoch, counter: lock.created) == lease.fence
    }
}

private struct ForcedRelease: Codable {
    let resource: String
    let fence: FencingToken
    let actor: String
    let reason: String
    let at: Int64
}
