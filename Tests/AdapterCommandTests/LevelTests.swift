import BrokerContract
import ConformanceKit
import ExchangeContract
import Testing
import TradingModel

@testable import turnstile

@Suite struct LevelConformanceTests {
    static let clauses = BrokerConformance.clauses + ExchangeConformance.clauses

    @Test func `every level has clauses, and the lists of the levels name only clauses that exist`() {
        for level in ConformanceLevel.allCases { #expect(Self.clauses.contains { $0.level == level }, "\(level)") }
        #expect(Self.clauses.count { $0.level == .trades } > 60)
        #expect(Self.clauses.filter { $0.kind == .wireFault }.allSatisfy { $0.level >= .survives })
        let ids = Set(Self.clauses.map(\.id))
        for id in BrokerClause.namedLevels { #expect(ids.contains(id), "\(id)") }
    }

    @Test(arguments: LevelConformanceTests.clauses.filter { $0.level <= .reads })
    func `an adapter that cannot trade reaches the level of reading`(_ clause: BrokerClause) async throws {
        let base = try #require(allConformanceSubjects().first { $0.id == "binance" }).makeVenue()
        let result = await clause.check(ReadOnlyVenue(base: base))
        #expect(result == .passed, "\(clause.id): \(result)")
    }

    @Test func `what is said to be harmless sends no command`() async throws {
        let base = try #require(allConformanceSubjects().first { $0.id == "binance" }).makeVenue()
        for clause in Self.clauses where clause.onlyReads {
            let venue = ReadOnlyVenue(base: base)
            _ = await clause.check(venue)
            #expect(venue.commands.count == 0, "\(clause.id)")
        }
        #expect(Self.clauses.count(where: \.onlyReads) >= 8)
    }

    @Test func `the scaffold answers, and its missing parts are named as what is to be built`() async throws {
        let adapter = try #require(ScaffoldTests.installed.first)
        let report = await ConformanceReport.run(adapter.subject.clauses.filter { ["BC-17.no-io", "BC-03.listed"].contains($0.id) }, against: try adapter.subject.makeVenue())
        #expect(report.passed == 1 && report.failed == 1)
        #expect(report.text.contains("NewVenueBroker.check() is not built yet"))
    }
}
