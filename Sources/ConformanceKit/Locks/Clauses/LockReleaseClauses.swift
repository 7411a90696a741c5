import LockContract
import TradingModel

/// LC-05: only the owner releases.
enum LockReleaseClauses {
    static let all: [LockClause] = [
        LockClause("LC-05.frees", "a released lock is free at once") { session in
            let handles = try await session.open(2)
            for _ in 0..<session.count(10, 1000) {
                let lease = try await session.acquire(handles[0], session.resource())
                let result = try await session.release(handles[0], lease)
                try expect(result == .released, "the release says \(result)")
                let next = try await session.acquire(handles[1], session.resource())
                try await session.release(handles[1], next)
                session.tried()
            }
        },
        LockClause("LC-05.wrong-owner", "another owner token releases nothing, nor does another fence") { session in
            let handles = try await session.open(2)
            let lease = try await session.acquire(handles[0], session.resource())
            for wrong in lease.wrong {
                let result = try await session.release(handles[1], wrong)
                try expect(result == .notOwner, "\(wrong.owner.prefix) with fence \(wrong.fence) got \(result)")
                try await session.expectHeld(handles[1], session.resource(), "after a stranger's release")
            }
            try expect(try await session.renew(handles[0], lease) != nil, "the holder lost its lease")
        },
        LockClause("LC-05.L12.stale-holder", "a former holder's release leaves its successor's lease") { session in
            let locks = try await session.open()
            let ttl = session.shortTTL(locks)
            for round in 0..<session.count(1, 100) {
                let resource = session.resource("\(round)")
                let old = try await session.acquire(locks, resource, ttl: ttl)
                try await session.pass(ttl)
                let next = try await session.acquireEventually(locks, resource)
                let result = try await session.release(locks, old)
                try expect(result == .notOwner, "the former holder's release says \(result)")
                try await session.expectHeld(locks, resource, "after the former holder's release")
                try expect(try await locks.recover(resource, owner: next.owner)?.fence == next.fence, "the successor lost its lease")
                session.tried()
            }
        },
        LockClause("LC-05.repeat", "releasing twice is harmless, also when another holds by then") { session in
            let locks = try await session.open()
            let lease = try await session.acquire(locks, session.resource())
            _ = try await session.release(locks, lease)
            let again = try await session.release(locks, lease)
            try expect(again == .released, "the repeat says \(again)")
            let next = try await session.acquire(locks, session.resource())
            let third = try await session.release(locks, lease)
            try expect(third == .notOwner, "the repeat after a new grant says \(third)")
            try expect(try await session.renew(locks, next) != nil, "the new holder lost its lease")
        },
        LockClause("LC-05.expired", "releasing after the end says so, and leaves the lock free") { session in
            let locks = try await session.open()
            let ttl = session.shortTTL(locks)
            let lease = try await session.acquire(locks, session.resource(), ttl: ttl)
            try await session.pass(ttl)
            // Some backends end a lease later than its time; then it is still a release.
            let result = try await session.release(locks, lease)
            try expect(result == .alreadyExpired || result == .released, "the release says \(result)")
            let next = try await session.acquire(locks, session.resource())
            try expect(next.fence > lease.fence, "\(next.fence) after \(lease.fence)")
        },
        LockClause("LC-05.L20.cut", "a release whose request or reply is lost leaves no doubt: the lock is free or its owner's", .wireFault) { session in
            let (locks, proxy) = try await session.openThroughProxy()
            let direct = try await session.open()
            let first = try await session.acquire(locks, session.resource("length"))
            let before = (proxy.bytes(.toServer), proxy.bytes(.toClient))
            try await session.release(locks, first)
            let whole = (proxy.bytes(.toServer) - before.0, proxy.bytes(.toClient) - before.1)
            let rounds = session.count(12, 300)
            for round in 0..<rounds {
                let resource = session.resource("\(round)")
                let lease = try await session.acquireEventually(locks, resource)
                // A lost request leaves the lock held, a lost reply leaves it free: both sides must be told apart from "released".
                let (direction, length) = round % 2 == 0 ? (TCPProxy.Direction.toServer, whole.0) : (.toClient, whole.1)
                proxy.set(.init(cutAfter: length * round / rounds, cutsWithReset: round % 4 < 2), direction)
                let result = try? await locks.release(lease)
                proxy.set(nil, direction)
                try expect(result != .notOwner && result != .alreadyExpired, "the owner's release says \(String(describing: result))")
                let isFree = try await session.tryAcquire(direct, resource)
                if let isFree {
                    let again = try await session.release(locks, lease)
                    try expect(again == .notOwner, "a repeat while another holds says \(again)")
                    try await session.expectHeld(direct, resource, "after a repeated release")
                    try await session.release(direct, isFree)
                } else {
                    try expect(result != .released, "it says released, but it is held")
                    let again = try await session.release(locks, lease)
                    try expect(again == .released, "the repeat says \(again)")
                }
                session.tried()
            }
        },
    ]
}
