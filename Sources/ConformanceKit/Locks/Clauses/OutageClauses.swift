import LockContract
import TradingModel

/// LC-09: no answer means no lease, and the handle works again by itself.
enum OutageClauses {
    static let all: [LockClause] = [
        LockClause("LC-09.L26.refused", "a backend that refuses connections is unavailable, for every call", .wireFault) { session in
            let (locks, proxy) = try await session.openThroughProxy()
            let lease = try await session.acquire(locks, session.resource())
            await proxy.refuse()
            try await expectClosed(session, locks, lease)
            try await proxy.listen()
            try await expectBack(session, locks, lease)
        },
        LockClause("LC-09.L26.never-up", "a backend that was never there is unavailable, and is used as soon as it is there", .wireFault) { session in
            let (locks, proxy) = try await session.openThroughProxy()
            await proxy.refuse()
            for _ in 0..<2 { try await expectNoGrant(session, locks, session.resource()) }
            try await proxy.listen()
            _ = try await session.acquireEventually(locks, session.resource())
        },
        LockClause("LC-09.L27.stopped", "a backend that was killed while the lock was held renews nothing, and goes on when it is back", .wireFault) { session in
            guard let stop = session.site.stop, let start = session.site.start else { throw session.missing("no control over the server") }
            let locks = try await session.open()
            let lease = try await session.acquire(locks, session.resource())
            try await stop()
            try await expectClosed(session, locks, lease)
            try await start()
            // What the crash took with it may have ended the lease; it must not be anybody else's.
            let next = try await session.eventually { () -> Lease? in
                switch try? await locks.renew(lease, ttl: LockSession.longTTL) {
                case .renewed(let renewed)?: renewed
                case .lost?: try? await session.tryAcquire(locks, session.resource())
                case nil: nil
                }
            }
            guard let next else { throw ClauseFailure("the handle did not work again") }
            try expect(next.fence == lease.fence && next.owner == lease.owner || next.fence > lease.fence, "\(next.fence) after \(lease.fence)")
        },
        LockClause("LC-09.L28.half-open", "a peer that has gone silent is noticed, and replaced by a new connection", .wireFault) { session in
            let (locks, proxy) = try await session.openThroughProxy()
            let lease = try await session.acquire(locks, session.resource())
            proxy.set(.init(isSilent: true), .toServer, .toClient)
            try await expectClosed(session, locks, lease)
            // The old connection stays open and deaf for ever: only a new one can work. New ones pass.
            proxy.set(nil, .toServer, .toClient)
            try await expectBack(session, locks, lease)
        },
        LockClause("LC-09.L28.deaf-one-way", "requests that arrive and replies that do not are never a grant", .wireFault) { session in
            let (locks, proxy) = try await session.openThroughProxy()
            let direct = try await session.open()
            _ = try await session.acquire(locks, session.resource("warm"))
            proxy.set(.init(isSilent: true), .toClient)
            let owner = OwnerToken.random()
            let result = try? await locks.acquire(session.resource(), owner: owner, ttl: LockSession.longTTL, holder: session.holder)
            if case .granted = result { throw ClauseFailure("granted without an answer") }
            proxy.set(nil, .toClient)
            let recovered = try await session.eventually { () -> Lease?? in do { return .some(try await locks.recover(session.resource(), owner: owner)) } catch { return nil } }
            let truth = try await direct.inspect(session.resource())
            try expect(recovered??.fence == (truth.holder == nil ? nil : truth.fence), "recovered \(String(describing: recovered)), but there is \(truth)")
        },
        LockClause("LC-09.dropped", "a dropped connection costs at most the calls that were under way", .wireFault) { session in
            let (locks, proxy) = try await session.openThroughProxy()
            var rising = RisingFence()
            for round in 0..<session.count(6, 500) {
                let lease = try await session.acquireEventually(locks, session.resource())
                try rising.note(lease)
                await proxy.dropConnections(withReset: round % 2 == 0)
                guard try await session.renew(locks, lease) != nil else { throw ClauseFailure("a dropped connection ended the lease") }
                try await session.release(locks, lease)
                session.tried()
            }
        },
        LockClause("LC-09.L29.slow", "a slow backend grants nobody twice", .wireFault) { session in
            let witness = Witness()
            let goal = session.count(6, 300)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<4 {
                    group.addTask {
                        let (locks, proxy) = try await session.openThroughProxy()
                        var round = worker
                        while witness.grants < goal {
                            round += 1
                            proxy.set(.init(latency: .milliseconds([0, 30, 120, 350][round % 4])), .toClient)
                            proxy.set(.init(latency: .milliseconds([80, 0, 20][round % 3])), .toServer)
                            guard let lease = try await session.tryAcquire(locks, session.resource()) else {
                                try await SystemClock().sleep(for: .milliseconds(10))
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
        LockClause("LC-09.cancelled", "a cancelled acquisition is settled by its owner token like a lost reply", .wireFault) { session in
            let (locks, proxy) = try await session.openThroughProxy()
            _ = try await session.acquire(locks, session.resource("warm"))
            for round in 0..<session.count(4, 200) {
                proxy.set(.init(latency: .milliseconds(60)), .toClient)
                let resource = session.resource("\(round)")
                let owner = OwnerToken.random()
                let result = await withTaskGroup(of: AcquireResult?.self) { group in
                    group.addTask { try? await locks.acquire(resource, owner: owner, ttl: LockSession.longTTL, holder: session.holder) }
                    try? await SystemClock().sleep(for: .milliseconds(round * 20))
                    group.cancelAll()
                    return await group.next() ?? nil
                }
                proxy.set(nil, .toClient)
                // Whatever is still under way arrives in time; then the truth stands.
                let recovered = try await session.eventually { () -> Lease?? in do { return .some(try await locks.recover(resource, owner: owner)) } catch { return nil } }
                guard let recovered else { throw ClauseFailure("the handle did not work again") }
                if case .granted(let lease) = result { try expect(recovered?.fence == lease.fence, "granted, but not found") }
                if recovered != nil { try await session.expectHeld(locks, resource, "beside a cancelled acquisition that took it") }
                session.tried()
            }
        },
    ]

    /// Every call throws or leaves it open; none says that something was done.
    private static func expectClosed(_ session: LockSession, _ locks: any LockBackend, _ lease: Lease) async throws {
        try await expectNoGrant(session, locks, session.resource("other"))
        if case .renewed = try? await locks.renew(lease, ttl: LockSession.longTTL) { throw ClauseFailure("renewed without the backend") }
        if let found = try? await locks.recover(lease.resource, owner: lease.owner) { throw ClauseFailure("recovered \(found.fence) without the backend") }
        if case .released = try? await locks.release(try await foreign(lease)) { throw ClauseFailure("released without the backend") }
        if let status = try? await locks.inspect(lease.resource) { throw ClauseFailure("inspected without the backend: \(status)") }
        if let all = try? await locks.list(prefix: "") { throw ClauseFailure("listed without the backend: \(all.count)") }
        if (try? await locks.forceRelease(lease.resource, expected: lease.fence, actor: "conformance", reason: "LC-09")) == true {
            throw ClauseFailure("forced without the backend")
        }
    }

    /// A lease that is nobody's, so that a release that gets through after all does no harm to the check.
    private static func foreign(_ lease: Lease) async throws -> Lease {
        Lease(
            resource: LockResource(rawValue: lease.resource.rawValue + "-foreign"), owner: .random(), fence: lease.fence,
            localExpiry: lease.localExpiry, predecessorExpired: false)
    }

    private static func expectNoGrant(_ session: LockSession, _ locks: any LockBackend, _ resource: LockResource) async throws {
        do throws(LockError) {
            let result = try await locks.acquire(resource, owner: .random(), ttl: LockSession.longTTL, holder: session.holder)
            guard case .ambiguous = result else { throw LockError.refused("\(result)") }
        } catch {
            switch error {
            case .unavailable: break
            case .refused(let what): throw ClauseFailure("without the backend the answer is \(what)")
            case .cancelled: throw ClauseFailure("without the backend the acquisition says cancelled")
            }
        }
    }

    private static func expectBack(_ session: LockSession, _ locks: any LockBackend, _ lease: Lease) async throws {
        let renewed = try await session.eventually { () -> RenewResult? in try? await locks.renew(lease, ttl: LockSession.longTTL) }
        guard let renewed else { throw ClauseFailure("the handle did not work again") }
        // A forced release may have been under way when the answer was lost.
        if case .renewed(let again) = renewed { try expect(again.fence == lease.fence, "\(lease.fence) became \(again.fence)") }
        let next = try await session.acquireEventually(locks, session.resource("next"))
        try await session.release(locks, next)
    }
}
