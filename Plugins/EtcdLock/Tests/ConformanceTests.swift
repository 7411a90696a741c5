import ConformanceKit
import Logging
import Testing

@testable import EtcdLock

/// Against a real server for each clause.
@Suite struct EtcdLockConformance {
    static let harness = EtcdLockHarness { port, wiring in
        EtcdLock(
            .init(endpoints: ["http://127.0.0.1:\(port)"]), clock: wiring.clock,
            logger: Logger(label: "etcd-lock-tests", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    @Test(arguments: LockConformance.clauses)
    func `keeps the lock contract`(_ clause: LockClause) async {
        let result = await clause.check(Self.harness)
        #expect(!result.isFailure, "\(clause.id): \(result)")
    }
}
