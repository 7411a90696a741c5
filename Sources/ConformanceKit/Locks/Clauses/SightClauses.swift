import Foundation
import LockContract
import TradingModel

/// LC-11 and LC-13: what operators see is true, and shows no whole owner token.
enum SightClauses {
    static let all: [LockClause] = [
        LockClause("LC-11.L40.truth", "inspect and list equal a model after each step of a random history") { session in
            let handles = try await session.open(2)
            var model = LockModel(resources: (0..<3).map { session.resource("\($0)") })
            var random = SeededRandom(seed: 20_260_101)
            for step in 0..<session.count(60, 10_000) {
                try await model.step(session, handles[step % 2], &random)
                try await model.check(handles[(step + 1) % 2])
                session.tried()
            }
        },
        LockClause("LC-11.token", "no status shows the whole owner token") { session in
            let locks = try await session.open()
            let lease = try await session.acquire(locks, session.resource())
            var seen = [try await locks.inspect(session.resource())] + (try await locks.list(prefix: session.resource().rawValue))
            if case .held(let status) = try await locks.acquire(session.resource(), owner: .random(), ttl: LockSession.longTTL, holder: session.holder) {
                seen.append(status)
            }
            try expect(seen.count == 3, "seen \(seen.count) times")
            for status in seen {
                let text = String(decoding: try JSONEncoder().encode(status), as: UTF8.self) + "\(status)"
                try expect(!text.contains(lease.owner.rawValue), "the whole token is in \(text)")
                try expect(status.ownerPrefix.map { $0.count <= 8 && lease.owner.rawValue.hasPrefix($0) } ?? false, "the prefix is \(status.ownerPrefix ?? "")")
            }
        },
        LockClause("LC-11.age", "age and remaining time are those of the lease") { session in
            let locks = try await session.open()
            let before = session.clock.monotonic
            _ = try await session.acquire(locks, session.resource(), ttl: .seconds(40))
            try await session.pass(.milliseconds(300))
            let status = try await locks.inspect(session.resource())
            let passed = session.clock.monotonic - before
            let slack = locks.capabilities.resolution + .milliseconds(50)
            let (age, remaining) = (status.age ?? .seconds(-1), status.remaining ?? .seconds(-1))
            try expect(age >= .milliseconds(300) - slack && age <= passed + slack, "the age is \(age) after \(passed)")
            try expect(remaining <= .seconds(40) - .milliseconds(300) + slack && remaining >= .seconds(40) - passed - slack, "\(remaining) remain after \(passed)")
        },
        LockClause("LC-11.never-seen", "a resource that was never locked is shown as free") { session in
            let status = try await session.open().inspect(session.resource())
            try expect(status.holder == nil && status.fence == nil && status.ownerPrefix == nil, "\(status)")
        },
        LockClause("LC-11.prefix", "list takes its prefix literally") { session in
            let locks = try await session.open()
            for name in ["a1", "a2", "b1"] { _ = try await session.acquire(locks, session.resource(name)) }
            let base = session.resource("").rawValue
            let counts = [("a", 2), ("b", 1), ("", 3), ("*", 0), ("%", 0), ("_1", 0), ("?1", 0), ("[ab]", 0), ("\\", 0)]
            for (prefix, count) in counts {
                let found = try await locks.list(prefix: base + prefix)
                try expect(found.count == count, "\(prefix) lists \(found.map(\.resource.rawValue))")
            }
        },
        LockClause("LC-13.safe", "a backend with safe settings is not refused") { session in
            let warnings = try await session.open().check()
            try expect(warnings.allSatisfy { !$0.isEmpty }, "an empty warning")
        },
    ]
}

/// What should be: the holders of a few resources, and every fence.
private struct LockModel {
    let resources: [LockResource]
    private var held: [LockResource: Lease] = [:]
    private var last: [LockResource: FencingToken] = [:]

    init(resources: [LockResource]) { self.resources = resources }

    mutating func step(_ session: LockSession, _ locks: any LockBackend, _ random: inout SeededRandom) async throws {
        let resource = resources[Int.random(in: 0..<resources.count, using: &random)]
        let current = held[resource]
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1:
            let lease = try await session.tryAcquire(locks, resource)
            try expect((lease == nil) == (current != nil), "acquired \(String(describing: lease?.fence)) while the model has \(String(describing: current?.fence))")
            if let lease {
                held[resource] = lease
                last[resource] = lease.fence
            }
        case 2:
            guard let current else { return }
            try expect(try await session.renew(locks, current) != nil, "lost what the model has")
        case 3:
            guard let current else { return }
            for wrong in current.wrong.prefix(1) {
                let result = try await session.release(locks, wrong)
                try expect(result == .notOwner, "a stranger's release says \(result)")
            }
        case 4:
            guard let current else { return }
            try await session.release(locks, current)
            held[resource] = nil
        default:
            guard let fence = last[resource] else { return }
            let isForced = try await locks.forceRelease(resource, expected: fence, actor: "conformance", reason: "LC-11")
            try expect(isForced == (current != nil), "forced: \(isForced), the model has \(String(describing: current?.fence))")
            held[resource] = nil
        }
    }

    func check(_ locks: any LockBackend) async throws {
        var listed: [LockResource: LockStatus] = [:]
        for resource in resources {
            for status in try await locks.list(prefix: resource.rawValue) { listed[status.resource] = status }
            for status in [try await locks.inspect(resource), listed[resource]] {
                guard let status else {
                    try expect(held[resource] == nil, "a held resource is not listed")
                    continue
                }
                try expect(status.fence == last[resource], "\(resource) is shown with \(String(describing: status.fence)), not \(String(describing: last[resource]))")
                try expect((status.holder != nil) == (held[resource] != nil), "\(resource) is shown as \(status)")
                try expect(status.ownerPrefix == held[resource]?.owner.prefix, "\(resource) is shown as \(status)")
            }
        }
    }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
