import LockContract
import Synchronization
import TradingModel

/// L42: histories of concurrent calls fit one lock with a rising fence.
enum HistoryClauses {
    static let all: [LockClause] = [
        LockClause("LC-02.L42.linearizable", "a history of concurrent calls can be put in one order that a single lock could have had") { session in
            for round in 0..<session.count(2, 200) {
                let handles = try await session.open(3)
                let resource = session.resource("\(round)")
                let history = LockHistory()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<6 {
                        group.addTask { try await work(session, handles[worker % 3], resource, history, steps: session.count(8, 80)) }
                    }
                    for try await _ in group {}
                }
                session.tried(try history.check())
            }
        }
    ]

    private static func work(
        _ session: LockSession, _ locks: any LockBackend, _ resource: LockResource, _ history: LockHistory, steps: Int
    ) async throws {
        for _ in 0..<steps {
            let owner = OwnerToken.random()
            let called = history.tick()
            guard let result = try? await locks.acquire(resource, owner: owner, ttl: LockSession.longTTL, holder: session.holder) else { continue }
            switch result {
            case .held: history.noteHeld(from: called)
            case .ambiguous:
                if let lease = try await session.eventually({ () -> Lease?? in do { return .some(try await locks.recover(resource, owner: owner)) } catch { return nil } }) ?? nil {
                    try await hold(session, locks, lease, history, called)
                }
            case .granted(let lease): try await hold(session, locks, lease, history, called)
            }
            try await SystemClock().sleep(for: .milliseconds(3) * Double.random(in: 0...1))
        }
    }

    private static func hold(
        _ session: LockSession, _ locks: any LockBackend, _ lease: Lease, _ history: LockHistory, _ called: Int
    ) async throws {
        let granted = history.tick()
        if Bool.random() { try expect(try await session.renew(locks, lease) != nil, "a running lease was lost") }
        let releasing = history.tick()
        try await session.release(locks, lease)
        history.noteHold(lease.fence, called: called, granted: granted, releasing: releasing)
    }
}

/// What happened, in ticks of one counter: a call happened at some moment between its two ticks.
final class LockHistory: Sendable {
    private struct Hold {
        let fence: FencingToken
        /// Between these the grant took place; from `granted` to `releasing` the lease was certainly held.
        let called: Int
        let granted: Int
        let releasing: Int
        let released: Int
    }
    private struct State {
        var now = 0
        var holds: [Hold] = []
        var helds: [(called: Int, returned: Int)] = []
    }

    private let state = Mutex(State())

    func tick() -> Int {
        state.withLock { state in
            state.now += 1
            return state.now
        }
    }

    func noteHold(_ fence: FencingToken, called: Int, granted: Int, releasing: Int) {
        let released = tick()
        state.withLock { $0.holds.append(Hold(fence: fence, called: called, granted: granted, releasing: releasing, released: released)) }
    }

    func noteHeld(from called: Int) {
        let returned = tick()
        state.withLock { $0.helds.append((called, returned)) }
    }

    /// The fences give the only order that is possible; every call must fit it. Returns how many calls were checked.
    func check() throws -> Int {
        let (holds, helds) = state.withLock { ($0.holds.sorted { $0.fence < $1.fence }, $0.helds) }
        for (before, after) in zip(holds, holds.dropFirst()) {
            try expect(before.fence < after.fence, "\(before.fence) was granted twice")
            try expect(before.releasing <= after.granted, "\(after.fence) was granted before \(before.fence) was given up")
        }
        // An earlier fence may not have been asked for only after a later one had been granted.
        var latestCall = 0
        for hold in holds {
            try expect(hold.granted >= latestCall, "\(hold.fence) was granted before a smaller fence was asked for")
            latestCall = max(latestCall, hold.called)
        }
        for held in helds {
            let isExplained = holds.contains { $0.called <= held.returned && held.called <= $0.released }
            try expect(isExplained, "held off while nobody could have held")
        }
        return holds.count + helds.count
    }
}
