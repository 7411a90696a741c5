import ConformanceKit
import Foundation
import LockContract
import Logging
import RedisKit
import RedisLock
import Testing

/// The suite is tested: a clause that catches nothing is worth nothing.
@Suite struct LockKillScore {
    @Test func `every known-bad lock is caught by the clause that owns its mistake, and a good one passes that clause`() async throws {
        let clauses = Dictionary(uniqueKeysWithValues: LockConformance.clauses.map { ($0.id, $0) })
        let redis: @Sendable (Int, LockWiring) throws -> any LockBackend = { port, wiring in
            try RedisLockPlugin.makeBackend(
                .init(options: RedisOptions(port: port)),
                context: LockContext(
                    clock: wiring.clock, logger: Logger(label: "zoo", factory: { _ in SwiftLogNoOpLogHandler() }), stateDirectory: ""))
        }
        let all = BadLock.all(redis)
        let results = await withTaskGroup(of: (BadLock, ClauseResult?, ClauseResult?).self) { group in
            for bad in all {
                group.addTask {
                    let clause = clauses[bad.owner]
                    let good: any LockHarness = bad.harness.name == "redis" ? RedisLockHarness(redis) : BadLock.naive(nil)
                    return (bad, await clause?.check(bad.harness), await clause?.check(good))
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var killed = 0
        for (bad, sick, well) in results {
            let isCaught = sick?.isVerdict == true
            if isCaught { killed += 1 }
            #expect(isCaught, "\(bad): \(bad.owner) says \(String(describing: sick))")
            #expect(well == .passed, "without a mistake \(bad.owner) says \(String(describing: well))")
        }
        print("lock kill score: \(killed)/\(all.count)")
        #expect(all.count >= 10)
    }

    @Test(arguments: LockConformance.clauses)
    func `the lock of the zoo keeps the contract when it makes no mistake`(_ clause: LockClause) async {
        let result = await clause.check(BadLock.naive(nil))
        #expect(!result.isFailure, "\(clause.id): \(result)")
    }
}

@Suite struct LockClauseList {
    let clauses = LockConformance.clauses

    @Test func `ids are unique and every title is a sentence without its end`() {
        #expect(Set(clauses.map(\.id)).count == clauses.count)
        #expect(clauses.allSatisfy { !$0.title.isEmpty && !$0.title.hasSuffix(".") })
    }

    @Test func `every numbered clause of the lock contract has its check, and no check has a number of its own`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "Contracts/LockContract/README.md"), encoding: .utf8)
        let numbers = Set(text.matches(of: #/^\| (LC-\d\d) \|/#.anchorsMatchLineEndings()).map { String($0.output.1) })
        #expect(numbers.count >= 13)
        #expect(Set(clauses.map { String($0.id.prefix(5)) }) == numbers)
    }
}
