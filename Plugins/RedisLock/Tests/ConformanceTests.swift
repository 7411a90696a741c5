import ConformanceKit
import Logging
import RedisKit
import Testing

@testable import RedisLock

/// Against a real server for each clause.
@Suite struct RedisLockConformance {
    static let harness = RedisLockHarness { port, wiring in
        RedisLock(
            .init(options: RedisOptions(port: port)), clock: wiring.clock,
            logger: Logger(label: "redis-lock-tests", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    @Test(arguments: LockConformance.clauses)
    func `keeps the lock contract`(_ clause: LockClause) async {
        let result = await clause.check(Self.harness)
        #expect(!result.isFailure, "\(clause.id): \(result)")
    }
}
