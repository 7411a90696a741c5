import LockContract
import TradingModel

/// LC-03: a lease does not end before its time, and the holder's own bound lies before it.
enum LeaseTimeClauses {
    static let all: [LockClause] = [
        LockClause("LC-03.L21.lower-bound", "a lease does not end before its time on a steady clock") { session in
            let handles = try await session.open(2)
            let ttl = session.shortTTL(handles[0])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<session.count(4, 50) {
                    group.addTask {
                        let resource = session.resource("\(number)")
                        for _ in 0..<session.count(1, 10) {
                            let asked = session.clock.monotonic
                            _ = try await session.acquireEventually(handles[0], resource, ttl: ttl)
                            if session.site.isTimedByClient {
                                session.clock.advance(by: ttl * 97 / 100)
                                try await expectUnless(session, past: asked + ttl, handles[1], resource)
                                session.clock.advance(by: ttl)
                            }
                            let successor = try await session.acquireEventually(handles[1], resource, ttl: ttl)
                            let passed = session.clock.monotonic - asked
                            try expect(passed >= ttl, "a lease of \(ttl) was taken by another after \(passed)")
                            try await session.release(handles[1], successor)
                            session.tried()
                        }
                    }
                }
                for try await _ in group {}
            }
        },
        LockClause("LC-03.L22.orphan", "a lease that nobody renews ends, and the next one is granted") { session in
            let locks = try await session.open()
            let ttl = session.shortTTL(locks)
            _ = try await session.acquire(locks, session.resource(), ttl: ttl)
            try await session.pass(ttl)
            _ = try await session.acquireEventually(locks, session.resource(), ttl: ttl)
        },
        LockClause("LC-03.L17.local-expiry", "the holder's own bound lies a tenth before the real end") { session in
            let locks = try await session.open()
            for round in 0..<session.count(5, 10_000) {
                let resource = session.resource("\(round % 10)")
                let lease = try await session.acquire(locks, resource)
                try await expectBound(lease, session, locks)
                guard let renewed = try await session.renew(locks, lease, ttl: LockSession.longTTL) else { throw ClauseFailure("lost") }
                try await expectBound(renewed, session, locks)
                if let recovered = try await locks.recover(resource, owner: lease.owner) { try await expectBound(recovered, session, locks) }
                try await session.release(locks, renewed)
                session.tried()
            }
        },
        LockClause("LC-03.L17.slow", "the holder's own bound counts from before the request, also when everything is slow") { session in
            let ttl = Duration.seconds(20)
            guard session.site.isTimedByClient else {
                let (locks, proxy) = try await session.openThroughProxy()
                _ = try? await locks.inspect(session.resource("warm"))
                proxy.set(.init(latency: .milliseconds(900)), .toClient)
                let before = session.clock.monotonic
                let lease = try await session.acquire(locks, session.resource(), ttl: ttl)
                // A second try would have counted from later; the latency alone is below every time-out.
                let direct = try await session.open()
                try await expectBound(lease, session, direct)
                try expect(lease.localExpiry >= before, "the bound lies before the request")
                return
            }
            let locks = try await session.open()
            session.clock.slowDown(by: .milliseconds(500))
            let lease = try await session.acquire(locks, session.resource(), ttl: ttl)
            session.clock.slowDown(by: .zero)
            try await expectBound(lease, session, locks)
        },
        LockClause("LC-03.L18.late-grant", "a grant whose reply comes after its time is not a lease to work under", .wireFault) { session in
            let (locks, proxy) = try await session.openThroughProxy()
            _ = try await session.eventually { try? await locks.inspect(session.resource("warm")) }
            let ttl = session.shortTTL(locks)
            for round in 0..<session.count(2, 100) {
                let resource = session.resource("\(round)")
                proxy.set(.init(latency: ttl * 13 / 10), .toClient)
                let owner = OwnerToken.random()
                let result = try? await locks.acquire(resource, owner: owner, ttl: ttl, holder: session.holder)
                let now = session.clock.monotonic
                if case .granted(let lease) = result {
                    try expect(lease.localExpiry <= now, "a grant that came after its time has time left: \(lease.localExpiry - now)")
                }
                proxy.set(nil, .toClient)
                session.tried()
            }
            _ = try await session.acquireEventually(locks, session.resource("0"), ttl: ttl)
        },
        LockClause("LC-03.fits", "the shortest time that is declared works") { session in
            let locks = try await session.open()
            let lease = try await session.acquire(locks, session.resource(), ttl: locks.capabilities.minimumTTL)
            try expect(lease.resource == session.resource(), "the lease is of \(lease.resource)")
            try expect(locks.capabilities.maximumTTL >= locks.capabilities.minimumTTL, "no time is allowed")
        },
    ]

    /// `inspect` tells when the lease really ends: at the latest its `remaining` after it returned.
    private static func expectBound(_ lease: Lease, _ session: LockSession, _ locks: any LockBackend) async throws {
        let status = try await locks.inspect(lease.resource)
        let now = session.clock.monotonic
        guard status.fence == lease.fence, let remaining = status.remaining else { throw ClauseFailure("not shown as held: \(status)") }
        let end = now + remaining + locks.capabilities.resolution
        // The lease lasts at least as long as what remains of it, so a tenth of that is the least margin.
        let margin = max(remaining, .zero) / 10
        try expect(lease.localExpiry <= end - margin, "the holder's bound lies \(end - lease.localExpiry) before the end, the margin is \(margin)")
    }

    /// The tries take time too: past the lease's end a grant says nothing.
    private static func expectUnless(_ session: LockSession, past end: MonotonicInstant, _ locks: any LockBackend, _ resource: LockResource) async throws {
        guard let lease = try await session.tryAcquire(locks, resource) else { return }
        let now = session.clock.monotonic
        try expect(now >= end, "granted \(end - now) before the end")
        try await session.release(locks, lease)
    }
}
