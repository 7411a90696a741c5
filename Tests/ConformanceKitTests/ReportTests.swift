import ConformanceKit
import Foundation
import Testing

@testable import turnstile

@Suite struct ReportTests {
    /// Clauses of all three results, at a broker that passes, lacks, or is wrong.
    static func report(_ harness: any VenueHarness) async -> ConformanceReport {
        await ConformanceReport.run(BrokerConformance.clauses.filter { ["BC-08.filled", "BC-14.positions"].contains($0.id) }, against: harness)
    }

    static func venue() throws -> any VenueHarness {
        try #require(allConformanceSubjects().first { $0.id == "binance" }).makeVenue()
    }

    @Test func `a report counts passed, failed and absent, and names each clause`() async throws {
        let healthy = await Self.report(try Self.venue())
        #expect(healthy.passed == 1 && healthy.failed == 0 && healthy.absent == 1 && healthy.isKept)
        let bug = try #require(PlantedBug.all.first { $0.owner == "BC-08.filled" })
        let sick = await Self.report(ZooVenue(base: try Self.venue(), bug: bug))
        #expect(sick.failed == 1 && !sick.isKept)
        #expect(sick.text.contains("FAILED  BC-08.filled"))
    }

    @Test func `JSON and JUnit say the same as the text`() async throws {
        let bug = try #require(PlantedBug.all.first { $0.owner == "BC-08.filled" })
        let report = await Self.report(ZooVenue(base: try Self.venue(), bug: bug))
        let text = try report.json()
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["failed"] as? Int == 1 && object["absent_by_declaration"] as? Int == 1 && object["passed"] as? Int == 0)
        #expect((object["clauses"] as? [[String: Any]])?.count == 2)
        #expect(report.junit.contains("tests=\"2\" failures=\"1\" skipped=\"1\""))
        #expect(report.junit.contains("<failure message=\"") && !report.junit.contains("Optional(\""))
    }
}
