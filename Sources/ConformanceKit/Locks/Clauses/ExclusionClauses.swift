import LockContract
import Synchronization
import TradingModel

/// LC-01: at most one lease of a resource is running.
enum ExclusionClauses {
    static let all: [LockClause] = [
        LockClause("LC-01.L01.contended", "many workers on several handles never hold at once, and each grant's fence is greater") { session in
            let handles = try await session.open(4)
            let resource = session.resource()
            let witness = Witness()
            let goal = session.count(60, 20_000)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<16 {
                    group.addTask {
                        let locks = handles[worker % handles.count]
                        while witness.grants < goal {
                            guard let lease = try await session.tryAcquire(locks, resource) else {
                                try await SystemClock().sleep(for: .milliseconds(2) * Double.random(in: 0.5...4))
                                continue
                            }
                            try witness.enter(lease)
                            await Task.yield()
                            witness.leave()
                            try await session.release(locks, lease)
                        }
                    }
                }
                for try await _ in group {}
            }
            session.tried(witness.grants)
        },
        LockClause("LC-01.L02.herd", "of a hundred acquisitions at the same moment one is granted") { session in
            let handles = try await session.open(4)
            for round in 0..<session.count(2, 1000) {
                let resource = session.resource("\(round)")
                let granted = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in 0..<100 {
                        group.addTask { try await session.tryAcquire(handles[number % handles.count], resource) != nil }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                try expect(granted == 1, "\(granted) of a hundred were granted")
                session.tried()
            }
        },
        LockClause("LC-01.L37.not-reentrant", "the holder's own process is held off by its own lease") { session in
            let locks = try await session.open()
            for round in 0..<session.count(5, 1000) {
                let resource = session.resource("\(round)")
                let lease = try await session.acquire(locks, resource)
                try await session.expectHeld(locks, resource, "to the same process")
                try expect(try await locks.recover(resource, owner: lease.owner)?.fence == lease.fence, "the first lease is gone")
                session.tried()
            }
        },
        LockClause("LC-01.held-tells", "who is held off learns by whom, without the whole owner token") { session in
            let (locks, other) = (try await session.open(), try await session.open())
            let resource = session.resource()
            let lease = try await session.acquire(locks, resource)
            guard case .held(let status) = try await other.acquire(resource, owner: .random(), ttl: LockSession.longTTL, holder: session.holder)
            else { throw ClauseFailure("not held") }
            try expect(status.holder == session.holder, "the holder is \(String(describing: status.holder))")
            try expect(status.ownerPrefix == lease.owner.prefix && status.fence == lease.fence, "held by \(status)")
        },
        LockClause("LC-01.L38.isolation", "locks of different resources do not touch each other") { session in
            let handles = try await session.open(2)
            let number = session.count(10, 1000)
            var leases: [Lease] = []
            for index in 0..<number { leases.append(try await session.acquire(handles[index % 2], session.resource("\(index)"))) }
            for index in stride(from: 0, to: number, by: 2) { try await session.release(handles[1], leases[index]) }
            for index in 0..<number where index % 5 < 2 {
                let lease = try await session.tryAcquire(handles[0], session.resource("\(index)"))
                try expect((lease != nil) == (index % 2 == 0), "resource \(index) after its neighbours' release: \(String(describing: lease))")
                session.tried()
            }
        },
        LockClause("LC-01.names", "resources whose names hold awkward characters are different locks") { session in
            let locks = try await session.open()
            let base = session.resource("x").rawValue
            let names = ["", "*", "%", "_", "[x]", "?", "'", "\"", "\\", " ", ":", "/", "ü", "{x}"].map { LockResource(rawValue: base + $0) }
            var leases: [Lease] = []
            for name in names { leases.append(try await session.acquire(locks, name)) }
            for (name, lease) in zip(names, leases) {
                try await session.expectHeld(locks, name, "for \(name)")
                try expect(try await locks.inspect(name).fence == lease.fence, "\(name) is shown with another fence")
            }
        },
    ]
}

/// Sees whether two are inside at once, and whether fences rise.
final class Witness: Sendable {
    private struct State {
        var inside: FencingToken?
        var last: FencingToken?
        var grants = 0
    }

    private let state = Mutex(State())
    var grants: Int { state.withLock { $0.grants } }

    func enter(_ lease: Lease) throws {
        try state.withLock { state in
            if let inside = state.inside { throw ClauseFailure("\(lease.fence) was granted while \(inside) was held") }
            if let last = state.last, last >= lease.fence { throw ClauseFailure("\(lease.fence) was granted after \(last)") }
            state.inside = lease.fence
            state.last = lease.fence
            state.grants += 1
        }
    }

    func leave() { state.withLock { $0.inside = nil } }
}
