import LockContract
import TradingModel

/// LC-02: each grant's fence is greater than all before.
enum FenceClauses {
    static let all: [LockClause] = [
        LockClause("LC-02.L03.release", "the fence rises over release") { session in
            let handles = try await session.open(2)
            var rising = RisingFence()
            for round in 0..<session.count(20, 50_000) {
                let lease = try await session.acquire(handles[round % 2], session.resource())
                try rising.note(lease)
                try await session.release(handles[round % 2], lease)
                session.tried()
            }
        },
        LockClause("LC-02.L04.expiry", "the fence rises over expiry") { session in
            let locks = try await session.open()
            let ttl = session.shortTTL(locks)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<session.count(4, 50) {
                    group.addTask {
                        var rising = RisingFence()
                        for _ in 0..<session.count(2, 10) {
                            try rising.note(try await session.acquireEventually(locks, session.resource("\(number)"), ttl: ttl))
                            try await session.pass(ttl)
                            session.tried()
                        }
                    }
                }
                for try await _ in group {}
            }
        },
        LockClause("LC-02.L05.force", "the fence rises over a forced release") { session in
            let locks = try await session.open()
            var rising = RisingFence()
            for _ in 0..<session.count(15, 2000) {
                let lease = try await session.acquire(locks, session.resource())
                try rising.note(lease)
                let isForced = try await locks.forceRelease(session.resource(), expected: lease.fence, actor: "conformance", reason: "LC-02")
                try expect(isForced, "the expected fence was not forced")
                session.tried()
            }
        },
        LockClause("LC-02.L06.restart", "the fence rises over a crash and restart of the backend") { session in
            guard let restart = session.site.restart else { throw session.missing("no control over the server") }
            var rising = RisingFence()
            let first = try await session.open()
            let ttl = session.shortTTL(first)
            for round in 0..<session.count(2, 100) {
                // Several resources, some held, some released, some never seen since: each counter must live.
                for number in 0..<3 {
                    let lease = try await session.acquireEventually(try await session.open(), session.resource("\(number)"), ttl: ttl)
                    try rising.note(lease, of: number)
                    if (round + number) % 2 == 0 { try await session.release(try await session.open(), lease) }
                }
                try await session.pass(.milliseconds(5))
                try await restart()
                session.tried()
            }
            for number in 0..<3 {
                try rising.note(try await session.acquireEventually(try await session.open(), session.resource("\(number)"), ttl: ttl), of: number)
            }
            // The handle from before must work again by itself where there is a wire.
            if session.site.port != nil {
                let lease = try await session.acquireEventually(first, session.resource("0"), ttl: ttl)
                try rising.note(lease, of: 0)
            }
        },
        LockClause("LC-02.L08.wipe", "the fence rises although everything that was stored is gone") { session in
            guard let wipe = session.site.wipe else { throw session.missing("no control over what the backend stores") }
            let old = try await session.open()
            var rising = RisingFence()
            for _ in 0..<session.count(2, 50) {
                for _ in 0..<4 {
                    let lease = try await session.acquireEventually(try await session.open(), session.resource())
                    try rising.note(lease)
                    try await session.release(try await session.open(), lease)
                }
                try await session.pass(.milliseconds(5))
                try await wipe()
                // Of a handle that has never seen the old counter, and of one that has.
                let fresh = try await session.acquireEventually(try await session.open(), session.resource())
                try rising.note(fresh)
                try await session.release(try await session.open(), fresh)
                if session.site.port != nil {
                    let lease = try await session.acquireEventually(old, session.resource())
                    try rising.note(lease)
                    try await session.release(old, lease)
                }
                session.tried()
            }
        },
        LockClause("LC-02.counter-stays", "inspecting a released lock still shows its last fence") { session in
            let locks = try await session.open()
            let lease = try await session.acquire(locks, session.resource())
            try await session.release(locks, lease)
            let status = try await locks.inspect(session.resource())
            try expect(status.fence == lease.fence && status.holder == nil, "after release: \(status)")
        },
        LockClause("LC-02.L39.owner-tokens", "owner tokens do not repeat and have 128 bits") { session in
            var seen: Set<String> = []
            let number = session.count(20_000, 1_000_000)
            for _ in 0..<number { seen.insert(OwnerToken.random().rawValue) }
            try expect(seen.count == number && seen.allSatisfy { $0.utf8.count == 32 }, "\(number - seen.count) tokens repeated")
            session.tried(number)
        },
    ]
}

/// Fences of grants, each greater than the one before.
struct RisingFence {
    private var last: [Int: Lease] = [:]

    mutating func note(_ lease: Lease, of resource: Int = 0) throws {
        if let before = last[resource] { try expect(lease.fence > before.fence, "\(lease.fence) was granted after \(before.fence)") }
        last[resource] = lease
    }
}
