import LockContract
import TradingModel

/// LC-07: whether the holder before may still be at work.
enum SuccessionClauses {
    static let all: [LockClause] = [
        LockClause("LC-07.L36.released", "the holder before released: the new one need not wait") { session in
            let locks = try await session.open()
            // A backend may not know whether anybody held before its first record, and then says so in doubt.
            let first = try await session.acquire(locks, session.resource())
            try await session.release(locks, first)
            let second = try await session.acquire(locks, session.resource())
            try expect(!second.predecessorExpired, "a released lease is called expired")
        },
        LockClause("LC-07.L36.expired", "the holder before did not release: the new one is told, also from another handle and after renewing") { session in
            let handles = try await session.open(2)
            let ttl = session.shortTTL(handles[0])
            _ = try await session.acquire(handles[0], session.resource(), ttl: ttl)
            try await session.pass(ttl)
            let lease = try await session.acquireEventually(handles[1], session.resource())
            try expect(lease.predecessorExpired, "an expired lease is called released")
            try expect(try await handles[0].recover(session.resource(), owner: lease.owner)?.predecessorExpired == true, "recovered without it")
            try expect(try await session.renew(handles[1], lease)?.predecessorExpired == true, "renewed without it")
        },
        LockClause("LC-07.forced", "a forced holder may still be at work") { session in
            let locks = try await session.open()
            let lease = try await session.acquire(locks, session.resource())
            _ = try await locks.forceRelease(session.resource(), expected: lease.fence, actor: "conformance", reason: "LC-07")
            try expect(try await session.acquire(locks, session.resource()).predecessorExpired, "a forced release is called clean")
        },
        LockClause("LC-07.late-release", "a stale holder's release does not make the succession clean") { session in
            let locks = try await session.open()
            let ttl = session.shortTTL(locks)
            let first = try await session.acquire(locks, session.resource(), ttl: ttl)
            try await session.pass(ttl)
            let second = try await session.acquireEventually(locks, session.resource(), ttl: ttl)
            _ = try await session.release(locks, first)
            try await session.pass(ttl)
            let third = try await session.acquireEventually(locks, session.resource())
            try expect(third.predecessorExpired && third.fence > second.fence, "the second holder never released, but the third is told so")
        },
    ]
}
