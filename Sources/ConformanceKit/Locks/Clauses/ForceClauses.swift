import LockContract
import TradingModel

/// LC-08: a forced release acts on the expected fence only.
enum ForceClauses {
    static let all: [LockClause] = [
        LockClause("LC-08.L34.race", "of several operators at once one wins") { session in
            let handles = try await session.open(3)
            for round in 0..<session.count(8, 500) {
                let resource = session.resource("\(round % 20)")
                let lease = try await session.acquire(handles[0], resource)
                let won = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in 0..<6 {
                        group.addTask {
                            try await handles[number % 3].forceRelease(resource, expected: lease.fence, actor: "operator \(number)", reason: "LC-08")
                        }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                try expect(won == 1, "\(won) of six operators won")
                session.tried()
            }
        },
        LockClause("LC-08.fence-moved", "a fence that is not the holder's forces nothing") { session in
            let locks = try await session.open()
            let first = try await session.acquire(locks, session.resource())
            try await session.release(locks, first)
            let second = try await session.acquire(locks, session.resource())
            let others = [
                first.fence, FencingToken(epoch: second.fence.epoch, counter: second.fence.counter + 1),
                FencingToken(epoch: second.fence.epoch + 1, counter: second.fence.counter),
            ]
            for fence in others {
                let isForced = try await locks.forceRelease(session.resource(), expected: fence, actor: "conformance", reason: "LC-08")
                try expect(!isForced, "\(fence) forced a holder with \(second.fence)")
                try await session.expectHeld(locks, session.resource(), "after a forced release that did not apply")
            }
        },
        LockClause("LC-08.ends", "a forced lease is over: free for others, lost for its holder") { session in
            let locks = try await session.open()
            let lease = try await session.acquire(locks, session.resource())
            let isForced = try await locks.forceRelease(session.resource(), expected: lease.fence, actor: "conformance", reason: "LC-08")
            try expect(isForced, "the holder's fence was not forced")
            try expect(try await locks.inspect(session.resource()).holder == nil, "still shown as held")
            let again = try await locks.forceRelease(session.resource(), expected: lease.fence, actor: "conformance", reason: "LC-08")
            try expect(!again, "forced twice")
            let next = try await session.acquire(locks, session.resource())
            try expect(try await session.renew(locks, lease) == nil, "the forced holder renewed")
            let result = try await session.release(locks, lease)
            try expect(result == .notOwner, "the forced holder's release says \(result)")
            try expect(try await session.renew(locks, next) != nil, "the new holder lost its lease")
        },
        LockClause("LC-08.free", "a lock that nobody holds is not forced") { session in
            let locks = try await session.open()
            let none = try await locks.forceRelease(
                session.resource(), expected: FencingToken(epoch: 0, counter: 0), actor: "conformance", reason: "LC-08")
            try expect(!none, "a lock that never was was forced")
            let lease = try await session.acquire(locks, session.resource())
            try await session.release(locks, lease)
            let released = try await locks.forceRelease(session.resource(), expected: lease.fence, actor: "conformance", reason: "LC-08")
            try expect(!released, "a released lock was forced")
        },
    ]
}
