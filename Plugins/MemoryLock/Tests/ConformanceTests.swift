import ConformanceKit
import MemoryLock
import Testing

@Suite struct MemoryLockConformance {
    @Test(arguments: LockConformance.clauses)
    func `keeps the lock contract`(_ clause: LockClause) async {
        let result = await clause.check(LocalLockHarness(name: "memory", isInMemory: true) { _, wiring in MemoryLock(clock: wiring.clock) })
        #expect(!result.isFailure, "\(clause.id): \(result)")
    }
}
