import LockContract
import Synchronization
import TradingModel

/// LC-12: who waits gets what became free.
enum WaitClauses {
    static let all: [LockClause] = [
        LockClause("LC-12.L32.wake", "who waits gets the lock after its release") { session in
            let handles = try await session.open(2)
            for _ in 0..<session.count(3, 500) {
                let lease = try await session.acquire(handles[0], session.resource())
                try await withThrowingTaskGroup(of: Lease?.self) { group in
                    group.addTask { try await wait(session, handles[1], session.resource()) }
                    try await SystemClock().sleep(for: .milliseconds(30))
                    try await session.release(handles[0], lease)
                    guard let next = try await group.next() ?? nil else { throw ClauseFailure("not granted within \(LockSession.patience)") }
                    try expect(next.fence > lease.fence, "\(next.fence) after \(lease.fence)")
                    try await session.release(handles[1], next)
                }
                session.tried()
            }
        },
        LockClause("LC-12.limit", "who has waited as long as it wanted is told who holds, and waits no more") { session in
            let handles = try await session.open(2)
            let lease = try await session.acquire(handles[0], session.resource())
            let result = try await handles[1].acquire(
                session.resource(), owner: .random(), ttl: LockSession.longTTL, holder: session.holder, waitingUpTo: .milliseconds(300), clock: session.clock)
            guard case .held(let status) = result else { throw ClauseFailure("the answer is \(result)") }
            try expect(status.fence == lease.fence, "held with \(String(describing: status.fence))")
            try await session.release(handles[0], lease)
            // Nobody stands in line any more.
            let next = try await session.acquire(handles[0], session.resource())
            try await session.release(handles[0], next)
        },
        LockClause("LC-12.L30.order", "those who wait are served in the order of their coming") { session in
            let handles = try await session.open(3)
            guard handles[0].capabilities.fairness == .fifo else { throw ClauseAbsent("best effort: whoever asks at the right moment") }
            let number = 5
            for round in 0..<session.count(1, 50) {
                let resource = session.resource("\(round)")
                let first = try await session.acquire(handles[0], resource)
                let order = ServingOrder()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for waiter in 0..<number {
                        let locks = handles[waiter % 3]
                        group.addTask {
                            guard let lease = try await wait(session, locks, resource) else { throw ClauseFailure("waiter \(waiter) was not served") }
                            order.note(waiter)
                            try await session.release(locks, lease)
                        }
                        let isInLine = try await session.eventually { try await locks.inspect(resource).waiters == waiter + 1 ? true : nil }
                        try expect(isInLine == true, "waiter \(waiter) is not seen in line")
                    }
                    try await session.release(handles[0], first)
                    for try await _ in group {}
                }
                let served = order.all
                try expect(served == Array(0..<number), "served in the order \(served)")
                session.tried()
            }
        },
        LockClause("LC-12.no-overtaking", "who comes later does not overtake those who wait") { session in
            let handles = try await session.open(2)
            guard handles[0].capabilities.fairness == .fifo else { throw ClauseAbsent("best effort: whoever asks at the right moment") }
            let first = try await session.acquire(handles[0], session.resource())
            try await withThrowingTaskGroup(of: Lease?.self) { group in
                group.addTask { try await wait(session, handles[1], session.resource()) }
                _ = try await session.eventually { try await handles[0].inspect(session.resource()).waiters == 1 ? true : nil }
                try await session.release(handles[0], first)
                let thief = try await session.tryAcquire(handles[0], session.resource())
                let served = try await group.next() ?? nil
                try expect(thief == nil || served.map { $0.fence < (thief?.fence ?? $0.fence) } ?? false, "a later one was served first")
            }
        },
        LockClause("LC-12.L31.dead-waiter", "a waiter that gave up does not block those behind it") { session in
            let handles = try await session.open(3)
            guard handles[0].capabilities.fairness == .fifo else { throw ClauseAbsent("best effort: there is no line to block") }
            let first = try await session.acquire(handles[0], session.resource())
            try await withThrowingTaskGroup(of: Lease?.self) { group in
                group.addTask {
                    try? await handles[1].acquire(
                        session.resource(), owner: .random(), ttl: LockSession.longTTL, holder: session.holder, waitingUpTo: .milliseconds(400),
                        clock: session.clock
                    ).lease
                }
                _ = try await session.eventually { try await handles[0].inspect(session.resource()).waiters == 1 ? true : nil }
                group.addTask { try await wait(session, handles[2], session.resource()) }
                _ = try await group.next()
                try await session.release(handles[0], first)
                let served = try await group.next() ?? nil
                try expect(served != nil, "the one behind was not served")
            }
        },
    ]

    private static func wait(_ session: LockSession, _ locks: any LockBackend, _ resource: LockResource) async throws -> Lease? {
        let owner = OwnerToken.random()
        let result = try await locks.acquire(
            resource, owner: owner, ttl: LockSession.longTTL, holder: session.holder, waitingUpTo: LockSession.patience, clock: session.clock)
        if case .ambiguous = result { return try await locks.recover(resource, owner: owner) }
        return result.lease
    }
}

/// Who was served, in order.
private final class ServingOrder: Sendable {
    private let served = Mutex<[Int]>([])
    var all: [Int] { served.withLock { $0 } }
    func note(_ waiter: Int) { served.withLock { $0.append(waiter) } }
}

extension AcquireResult {
    var lease: Lease? { if case .granted(let lease) = self { lease } else { nil } }
}
