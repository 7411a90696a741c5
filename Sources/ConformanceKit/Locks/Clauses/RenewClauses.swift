import LockContract
import TradingModel

/// LC-04: renewing keeps the fence and moves the expiry; `lost` is final.
enum RenewClauses {
    static let all: [LockClause] = [
        LockClause("LC-04.L15.keeps-fence", "renewing keeps fence and owner, and never moves the bound back") { session in
            let handles = try await session.open(2)
            var lease = try await session.acquire(handles[0], session.resource(), ttl: .seconds(30))
            for round in 0..<session.count(30, 10_000) {
                let ttl: Duration = round % 3 == 0 ? .seconds(60) : .seconds(30)
                guard let renewed = try await session.renew(handles[round % 2], lease, ttl: ttl) else { throw ClauseFailure("lost while it ran") }
                try expect(renewed.fence == lease.fence && renewed.owner == lease.owner, "\(lease.fence) became \(renewed.fence)")
                try expect(renewed.localExpiry >= lease.localExpiry, "the bound went back by \(lease.localExpiry - renewed.localExpiry)")
                try expect(renewed.resource == lease.resource, "the lease is of another resource")
                lease = renewed
                session.tried()
            }
        },
        LockClause("LC-04.longer", "a renewed lease runs for its new time") { session in
            let handles = try await session.open(2)
            let ttl = session.shortTTL(handles[0])
            let lease = try await session.acquire(handles[0], session.resource(), ttl: ttl)
            guard let renewed = try await session.renew(handles[0], lease, ttl: ttl * 20) else { return try await tooSlow(session, lease) }
            let end = session.clock.monotonic
            try expect(renewed.localExpiry > lease.localExpiry, "the bound did not move")
            try await session.pass(ttl * 13 / 10)
            try expect(renewed.localExpiry > end, "the bound is over at once")
            try await session.expectHeld(handles[1], session.resource(), "before the renewed time was over")
        },
        LockClause("LC-04.not-shorter", "renewing for a shorter time does not end the lease before the bound that the holder knows") { session in
            let handles = try await session.open(2)
            let short = session.shortTTL(handles[0])
            let lease = try await session.acquire(handles[0], session.resource(), ttl: short * 30)
            guard let renewed = try await session.renew(handles[0], lease, ttl: short) else { throw ClauseFailure("lost while it ran") }
            try expect(renewed.localExpiry >= lease.localExpiry, "the bound went back")
            try await session.pass(short * 13 / 10)
            try await session.expectHeld(handles[1], session.resource(), "before the bound of the first grant")
        },
        LockClause("LC-04.L13.untaken", "a lease that ended is lost for good, also when nobody has taken it") { session in
            let locks = try await session.open()
            let ttl = session.shortTTL(locks)
            let lease = try await session.acquire(locks, session.resource(), ttl: ttl)
            try await session.pass(ttl * 11 / 10)
            // A backend may end it later than its time; then it may still be renewed, and is lost in the end.
            let isLost =
                session.site.isTimedByClient
                ? try await session.renew(locks, lease, ttl: ttl) == nil
                : try await session.eventually(every: ttl * 2) { try await session.renew(locks, lease, ttl: ttl) == nil ? true : nil } ?? false
            try expect(isLost, "an ended lease was renewed again and again")
            try expect(try await session.renew(locks, lease) == nil, "lost once, renewed then")
            let next = try await session.acquire(locks, session.resource())
            try expect(next.fence > lease.fence, "\(next.fence) after \(lease.fence)")
        },
        LockClause("LC-04.L13.stale-holder", "a former holder cannot renew once another holds") { session in
            let locks = try await session.open()
            let ttl = session.shortTTL(locks)
            for round in 0..<session.count(1, 100) {
                let resource = session.resource("\(round)")
                let old = try await session.acquire(locks, resource, ttl: ttl)
                try await session.pass(ttl)
                let next = try await session.acquireEventually(locks, resource)
                try expect(try await session.renew(locks, old) == nil, "the former holder renewed")
                try expect(try await locks.recover(resource, owner: next.owner)?.fence == next.fence, "the new holder lost its lease")
                session.tried()
            }
        },
        LockClause("LC-04.after-release", "a released or forced lease cannot be renewed") { session in
            let locks = try await session.open()
            let first = try await session.acquire(locks, session.resource())
            try await session.release(locks, first)
            try expect(try await session.renew(locks, first) == nil, "renewed after its release")
            let second = try await session.acquire(locks, session.resource())
            _ = try await locks.forceRelease(session.resource(), expected: second.fence, actor: "conformance", reason: "LC-04")
            try expect(try await session.renew(locks, second) == nil, "renewed after it was forced")
        },
        LockClause("LC-04.wrong-owner", "another owner token cannot renew, nor another fence") { session in
            let locks = try await session.open()
            let lease = try await session.acquire(locks, session.resource())
            for wrong in lease.wrong {
                try expect(try await session.renew(locks, wrong) == nil, "renewed as \(wrong.owner.prefix) with fence \(wrong.fence)")
            }
            try expect(try await session.renew(locks, lease) != nil, "the holder cannot renew")
        },
    ]

    /// A lease of a fraction of a second may end before it is renewed on a slow machine: that says nothing.
    private static func tooSlow(_ session: LockSession, _ lease: Lease) async throws {
        try expect(session.clock.monotonic >= lease.localExpiry, "lost before its time")
        throw ControlFailure("the lease ended before it could be renewed")
    }
}

extension Lease {
    /// As others could present it.
    var wrong: [Lease] {
        [
            Lease(resource: resource, owner: .random(), fence: fence, localExpiry: localExpiry, predecessorExpired: predecessorExpired),
            Lease(
                resource: resource, owner: owner, fence: FencingToken(epoch: fence.epoch, counter: fence.counter + 1), localExpiry: localExpiry,
                predecessorExpired: predecessorExpired),
            Lease(
                resource: resource, owner: owner, fence: FencingToken(epoch: fence.epoch - 1, counter: fence.counter), localExpiry: localExpiry,
                predecessorExpired: predecessorExpired),
        ]
    }
}
