import ConformanceKit
import Foundation
import Testing

@Suite struct ClauseListTests {
    let clauses = BrokerConformance.clauses + ExchangeConformance.clauses

    /// Clauses that no running broker can show: BC-21 is about configurations, and each plugin's own tests check it.
    static let checkedElsewhere: Set<String> = ["BC-21"]

    @Test func `ids are unique and every title is a sentence without its end`() {
        #expect(Set(clauses.map(\.id)).count == clauses.count)
        #expect(clauses.allSatisfy { !$0.title.isEmpty && !$0.title.hasSuffix(".") })
    }

    @Test func `there are at least 120 clauses, at least 50 of them with faults on real sockets`() {
        #expect(clauses.count >= 120)
        #expect(clauses.count { $0.kind == .wireFault } >= 50)
    }

    @Test(arguments: [("BrokerContract", "BC"), ("ExchangeContract", "XC")])
    func `every numbered clause of the contract has its check, and no check has a number of its own`(_ module: String, _ prefix: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "Contracts/\(module)/README.md"), encoding: .utf8)
        let numbers = Set(text.matches(of: #/\*\*((?:BC|XC)-\d\d)/#).map { String($0.output.1) })
        let checked = Set(clauses.map { String($0.id.prefix(5)) }.filter { $0.hasPrefix(prefix) })
        #expect(numbers.count >= 4)
        #expect(checked == numbers.subtracting(Self.checkedElsewhere))
    }
}
