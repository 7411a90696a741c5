import ConformanceKit
import Testing

@Suite struct PostgresStoreConformance {
    @Test(arguments: StoreConformance.clauses)
    func `keeps the contract`(_ clause: StoreClause) async {
        let result = await clause.check(PostgresHarness())
        #expect(!result.isFailure, "\(clause.id): \(clause.title): \(result)")
    }
}
