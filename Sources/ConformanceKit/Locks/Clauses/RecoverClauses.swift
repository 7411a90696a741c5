import LockContract
import TradingModel

/// LC-06: `recover` finds exactly the lease of this owner token while it runs.
enum RecoverClauses {
    static let all: [LockClause] = [
        LockClause("LC-06.own", "an owner token finds its lease from any handle, and no other token does") { session in
            let handles = try await session.open(2)
            try expect(try await handles[0].recover(session.resource(), owner: .random()) == nil, "a lease was found before any was granted")
            let lease = try await session.acquire(handles[0], session.resource())
            let found = try await handles[1].recover(session.resource(), owner: lease.owner)
            try expect(found?.fence == lease.fence && found?.owner == lease.owner, "found \(String(describing: found))")
            try expect(try await handles[1].recover(session.resource(), owner: .random()) == nil, "another token found a lease")
            try expect(try await handles[1].recover(session.resource("b"), owner: lease.owner) == nil, "a lease of another resource was found")
            guard let found else { return }
            try expect(try await session.renew(handles[1], found) != nil, "the recovered lease cannot be renewed")
        },
        LockClause("LC-06.over", "nothing is found after release, force or expiry") { session in
            let locks = try await session.open()
            let ttl = session.shortTTL(locks)
            let released = try await session.acquire(locks, session.resource())
            try await session.release(locks, released)
            try expect(try await locks.recover(session.resource(), owner: released.owner) == nil, "found after its release")
            let forced = try await session.acquire(locks, session.resource())
            _ = try await locks.forceRelease(session.resource(), expected: forced.fence, actor: "conformance", reason: "LC-06")
            try expect(try await locks.recover(session.resource(), owner: forced.owner) == nil, "found after it was forced")
            let expired = try await session.acquire(locks, session.resource(), ttl: ttl)
            try await session.pass(ttl)
            let isGone = try await session.eventually { try await locks.recover(session.resource(), owner: expired.owner) == nil ? true : nil }
            try expect(isGone == true, "found after its end")
        },
        LockClause("LC-06.again", "acquiring again with the same owner token gives the same lease, or tells of it, never a second one") { session in
            let locks = try await session.open()
            let lease = try await session.acquire(locks, session.resource())
            switch try await locks.acquire(session.resource(), owner: lease.owner, ttl: LockSession.longTTL, holder: session.holder) {
            case .granted(let again): try expect(again.fence == lease.fence, "\(again.fence) beside \(lease.fence)")
            case .held(let status): try expect(status.fence == lease.fence, "held with \(String(describing: status.fence))")
            case .ambiguous: break
            }
        },
        LockClause("LC-06.L19.reply-lost", "an acquisition whose reply is lost is settled by its owner token", .wireFault) { session in
            let (locks, proxy) = try await session.openThroughProxy()
            let direct = try await session.open()
            var found = 0
            // The connection is made before, so that the measure is of the acquisition alone.
            _ = try await session.eventually { try? await locks.inspect(session.resource("warm")) }
            let whole = try await session.wireLength(of: .toClient, proxy) { _ = try await session.acquire(locks, session.resource("length")) }
            let rounds = session.count(16, 1000)
            for round in 0..<rounds {
                let resource = session.resource("\(round)")
                let owner = OwnerToken.random()
                _ = try await session.eventually { try? await locks.inspect(session.resource("warm")) }
                proxy.set(.init(cutAfter: whole * round / rounds, cutsWithReset: round % 2 == 0, cutsHalf: round % 5 == 4), .toClient)
                let result = try? await locks.acquire(resource, owner: owner, ttl: LockSession.longTTL, holder: session.holder)
                proxy.set(nil, .toClient)
                let truth = try await direct.inspect(resource)
                let recovered = try await session.eventually { () -> Lease?? in do { return .some(try await locks.recover(resource, owner: owner)) } catch { return nil } }
                switch result {
                case .granted(let lease): try expect(truth.fence == lease.fence && truth.holder != nil, "granted \(lease.fence), but there is \(truth)")
                case .held: throw ClauseFailure("a free lock is held")
                case .ambiguous, nil: break
                }
                guard let recovered else { throw ClauseFailure("the handle did not work again") }
                if truth.holder != nil {
                    try expect(truth.ownerPrefix == owner.prefix, "somebody else holds: \(truth)")
                    // An error says that nothing was done; what was done must be called ambiguous.
                    try expect(result != nil, "the lock is held, but the acquisition failed as if it were not")
                    try expect(recovered?.fence == truth.fence, "held as \(truth.fence?.description ?? ""), recovered \(String(describing: recovered?.fence))")
                    try await session.expectHeld(direct, resource, "after a lost reply")
                    found += 1
                } else if case .granted = result {
                    throw ClauseFailure("granted, but nobody holds")
                }
                session.tried()
            }
            try expect(found > 0, "no reply was lost after the grant: the check has checked nothing")
        },
        LockClause("LC-06.L19.request-cut", "a request that is cut on its way grants nothing that its owner cannot find", .wireFault) { session in
            let (locks, proxy) = try await session.openThroughProxy()
            // The connection is made before, so that the measure is of the acquisition alone.
            _ = try await session.eventually { try? await locks.inspect(session.resource("warm")) }
            let whole = try await session.wireLength(of: .toServer, proxy) { _ = try await session.acquire(locks, session.resource("length")) }
            let rounds = session.count(8, 400)
            for round in 0..<rounds {
                let resource = session.resource("\(round)")
                let owner = OwnerToken.random()
                _ = try await session.eventually { try? await locks.inspect(session.resource("warm")) }
                proxy.set(.init(cutAfter: whole * round / rounds, cutsWithReset: round % 2 == 1), .toServer)
                let result = try? await locks.acquire(resource, owner: owner, ttl: LockSession.longTTL, holder: session.holder)
                proxy.set(nil, .toServer)
                let recovered = try await session.eventually { () -> Lease?? in do { return .some(try await locks.recover(resource, owner: owner)) } catch { return nil } }
                guard let recovered else { throw ClauseFailure("the handle did not work again") }
                if case .granted(let lease) = result { try expect(recovered?.fence == lease.fence, "granted, but not found") }
                if recovered == nil { _ = try await session.acquire(locks, resource) } else { try await session.expectHeld(locks, resource, "beside a recovered lease") }
                session.tried()
            }
        },
    ]
}
