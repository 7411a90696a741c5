import ConformanceKit
import Testing

@Suite struct PaperConformance {
    @Test(arguments: BrokerConformance.clauses + ExchangeConformance.clauses)
    func `keeps the contract`(_ clause: BrokerClause) async throws {
        let result = await clause.check(try PaperVenue())
        #expect(!result.isFailure, "\(clause.id): \(clause.title): \(result)")
    }
}
