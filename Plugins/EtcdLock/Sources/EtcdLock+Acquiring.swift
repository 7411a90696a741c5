import AdapterKit
import LockContract
import TradingModel

extension EtcdLock {
    /// A place in line: its key, and the revision that made it.
    struct Ticket: Sendable {
        let key: String
        let created: Int64
    }

    /// One try. Without a ticket it does not overtake those who wait.
    func acquire(
        _ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity, ticket: Ticket?
    ) async throws(LockError) -> AcquireResult {
        let timeout = timeout(ttl)
        for _ in 0..<8 {
            let known = knownRevision
            let sight = try await look(at: resource, within: timeout)
            if let lock = sight.lock {
                guard let record = sight.lockRecord, record.owner == owner.rawValue else { return .held(try await status(resource, sight)) }
                let asked = clock.monotonic
                let life = try await life(of: lock.lease)
                return .granted(lease(resource, record, lock, localExpiry: asked + life.remaining - life.granted / 10))
            }
            if sight.waiters > 0, sight.firstInLine?.key != ticket?.key || ticket == nil { return .held(try await status(resource, sight)) }
            guard let epoch = try await epoch(of: sight, knownRevision: known, within: timeout) else { continue }
            switch try await take(resource, owner, ttl, holder, ticket, sight, epoch) {
            case .some(let result): return result
            case .none: continue
            }
        }
        return .held(try await inspect(resource))
    }

    /// Takes a lock that was seen to be free; nil if it is not as it was seen.
    private func take(
        _ resource: LockResource, _ owner: OwnerToken, _ ttl: Duration, _ holder: HolderIdentity, _ ticket: Ticket?, _ sight: LockSight,
        _ epoch: EpochRecord
    ) async throws(LockError) -> AcquireResult? {
        let asked = clock.monotonic
        let number = owner.leaseNumbers[0]
        // The lease alone gives nothing: if its answer is lost, nothing has been taken, and it ends by itself.
        let period = try await grantLease(number, ttl, within: timeout(ttl))
        let record = LockRecord(
            owner: owner.rawValue, epoch: epoch.epoch, holder: holder, predecessorExpired: mayHaveActive(sight, epoch),
            grantedAt: clock.wallTime.microseconds)
        let held = FenceRecord(owner: owner.rawValue, epoch: epoch.epoch, state: .held, counter: nil)
        var comparisons = [
            EtcdComparison.created(resource.rawValue, 0), .modified(EtcdKeys.fence(resource), sight.fence?.modified ?? 0),
            .modified(EtcdKeys.epoch, sight.epoch?.modified ?? 0),
        ]
        var operations = [try EtcdOperation.put(resource.rawValue, record, lease: number), try .put(EtcdKeys.fence(resource), held)]
        if let ticket {
            comparisons.append(.created(ticket.key, ticket.created))
            operations.append(.delete(ticket.key))
        }
        do throws(EtcdFailure) {
            let result = try await transact(comparisons, operations, within: timeout(ttl))
            guard result.succeeded else {
                await revoke(number)
                return nil
            }
            return .granted(
                Lease(
                    resource: resource, owner: owner, fence: FencingToken(epoch: epoch.epoch, counter: result.revision),
                    localExpiry: Lease.localExpiry(requestedAt: asked, ttl: min(ttl, period)), predecessorExpired: record.predecessorExpired))
        } catch {
            switch error {
            case .lost: return .ambiguous
            // The lease had ended before the key could be put on it.
            case .refused(5, _): return nil
            case .notDone, .refused: throw unavailable(error)
            }
        }
    }

    /// Whether a former holder may still be at work: its release is not on record, or the record is from before data was lost.
    private func mayHaveActive(_ sight: LockSight, _ epoch: EpochRecord) -> Bool {
        if let record = sight.fenceRecord { return record.state != .released || record.epoch != epoch.epoch }
        // Without a record somebody may have held before the data was lost, for at most the longest lease.
        return clock.wallTime.microseconds - epoch.since < capabilities.maximumTTL.wholeMicroseconds
    }

    // MARK: Waiting

    /// How long a dead waiter stays in line.
    private static let ticketTTL = Duration.seconds(5)
    private static let poll = Duration.milliseconds(50)

    func acquire(
        _ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity, waitingUpTo limit: Duration,
        clock: any TradingClock
    ) async throws(LockError) -> AcquireResult {
        let end = clock.monotonic + limit
        let first = try await acquire(resource, owner: owner, ttl: ttl, holder: holder)
        guard case .held(let status) = first, clock.monotonic < end else { return first }
        let number = owner.leaseNumbers[1]
        _ = try await grantLease(number, Self.ticketTTL, within: requestTimeout)
        let key = EtcdKeys.line(resource) + owner.prefix + String(number, radix: 16)
        let ticket: Ticket
        do throws(EtcdFailure) {
            let result = try await transact([.created(key, 0)], [.put(key, text: "", lease: number)], within: requestTimeout)
            guard result.succeeded else { return .held(status) }
            ticket = Ticket(key: key, created: result.revision)
        } catch { throw unavailable(error) }
        let result: Result<AcquireResult, LockError>
        do throws(LockError) {
            result = .success(try await stand(in: resource, ticket, number, owner, ttl, holder, until: end, clock))
        } catch { result = .failure(error) }
        // Also when nothing could be taken: the place is given up at once instead of at its end.
        await revoke(number)
        return try result.get()
    }

    private func stand(
        in resource: LockResource, _ ticket: Ticket, _ number: Int64, _ owner: OwnerToken, _ ttl: Duration, _ holder: HolderIdentity,
        until end: MonotonicInstant, _ clock: any TradingClock
    ) async throws(LockError) -> AcquireResult {
        var aliveUntil = clock.monotonic + Self.ticketTTL / 3
        while true {
            let result: AcquireResult?
            do throws(LockError) {
                result = try await acquire(resource, owner: owner, ttl: ttl, holder: holder, ticket: ticket)
            } catch {
                guard case .unavailable = error, clock.monotonic < end else { throw error }
                result = nil
            }
            if let result {
                guard case .held = result, clock.monotonic + Self.poll < end else { return result }
            }
            if clock.monotonic > aliveUntil {
                // A place that has ended is not taken again: those behind have moved up.
                guard try await keepAlive(number, within: requestTimeout) > .zero else { throw .unavailable("the place in line has ended") }
                aliveUntil = clock.monotonic + Self.ticketTTL / 3
            }
            do { try await clock.sleep(for: Self.poll) } catch { throw .cancelled }
        }
    }
}
