import ConformanceKit
import Testing

@testable import SQLiteLock

@Suite struct SQLiteLockConformance {
    @Test(arguments: LockConformance.clauses)
    func `keeps the lock contract`(_ clause: LockClause) async {
        let harness = LocalLockHarness(name: "sqlite", isInMemory: false) { folder, wiring in
            try SQLiteLock(path: folder + "/locks.db", clock: wiring.clock)
        }
        let result = await clause.check(harness)
        #expect(!result.isFailure, "\(clause.id): \(result)")
    }
}
