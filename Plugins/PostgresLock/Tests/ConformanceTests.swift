import ConformanceKit
import Testing
import TradingModel

@testable import PostgresLock

/// Against a real server for each clause.
@Suite struct PostgresLockConformance {
    static let harness = PostgresLockHarness { server, wiring in
        PostgresLock(.init(url: Secret(server.url(port: wiring.port)), connectTimeout: .seconds(3)), clock: wiring.clock)
    }

    @Test(arguments: LockConformance.clauses)
    func `keeps the lock contract`(_ clause: LockClause) async {
        let result = await clause.check(Self.harness)
        #expect(!result.isFailure, "\(clause.id): \(result)")
    }
}
