import LockContract
import TradingModel

/// LC-10: setting the holder's wall clock moves no lease. Of the server's clock the backend's own tests and its notice tell.
enum LockClockClauses {
    static let all: [LockClause] = [
        LockClause("LC-10.L23.forward", "the holder's wall clock an hour ahead moves no lease and no bound") { session in
            try await jump(session, by: .seconds(3600))
        },
        LockClause("LC-10.L24.back", "the holder's wall clock an hour behind moves no lease and no bound, and force still works") { session in
            let lease = try await jump(session, by: .seconds(-3600))
            let locks = try await session.open()
            let isForced = try await locks.forceRelease(session.resource(), expected: lease.fence, actor: "conformance", reason: "LC-10")
            try expect(isForced, "not forced")
            let next = try await session.acquire(locks, session.resource())
            try expect(next.fence > lease.fence, "\(next.fence) after \(lease.fence)")
        },
        LockClause("LC-10.L25.strobe", "a wall clock that jumps to and fro makes no second holder") { session in
            let handles = try await session.open(2)
            var lease = try await session.acquire(handles[0], session.resource())
            for round in 0..<session.count(20, 3000) {
                session.clock.jumpWall(by: .seconds(round % 2 == 0 ? 262 : -262))
                try await session.expectHeld(handles[1], session.resource(), "at a jump of the clock")
                guard let renewed = try await session.renew(handles[0], lease) else { throw ClauseFailure("lost at a jump of the clock") }
                try expect(renewed.fence == lease.fence, "\(lease.fence) became \(renewed.fence)")
                lease = renewed
                session.tried()
            }
        },
        LockClause("LC-10.notice", "a backend whose leases follow a wall clock says so at the start") { session in
            let capabilities = try await session.open().capabilities
            try expect(!capabilities.notice.isEmpty, "no notice")
            guard capabilities.followsWallClock else { throw ClauseAbsent("leases do not follow a wall clock") }
            try expect(capabilities.notice.contains("clock"), "the notice does not speak of the clock: \(capabilities.notice)")
        },
    ]

    @discardableResult
    private static func jump(_ session: LockSession, by duration: Duration) async throws -> Lease {
        let handles = try await session.open(2)
        let lease = try await session.acquire(handles[0], session.resource())
        session.clock.jumpWall(by: duration)
        try await session.expectHeld(handles[1], session.resource(), "after the clock was set")
        try await session.expectHeld(try await session.open(), session.resource(), "to a handle made after the clock was set")
        let status = try await handles[1].inspect(session.resource())
        let remaining = status.remaining ?? .zero
        try expect(remaining > .zero && remaining <= LockSession.longTTL + .seconds(1), "\(remaining) remain of \(LockSession.longTTL)")
        guard let renewed = try await session.renew(handles[0], lease) else { throw ClauseFailure("lost after the clock was set") }
        let bound = renewed.localExpiry - session.clock.monotonic
        try expect(bound > .zero && bound <= LockSession.longTTL, "the bound lies \(bound) ahead")
        return renewed
    }
}
