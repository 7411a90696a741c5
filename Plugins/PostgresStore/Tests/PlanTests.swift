import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import PostgresStore

@Suite struct PlanTests {
    /// Statements are planned while the tables are empty, and the server counts their rows for the first time about a minute later: until then
    /// a plan that reads a whole table would be used for every order, however many there are.
    @Test func `no statement reads all orders before the server has counted them`() async throws {
        try await PostgresPlace.with { place in
            let store = try await place.open(place.configuration())
            let tenure = try await store.openTenure(aTenure("a1")).tenure
            func admit(_ range: Range<Int>) async throws {
                for number in range { _ = try await store.admit(Admission(signal: aSignal("\(number)"), orders: [anOrder("\(number)")], window: .seconds(60), rate: nil)) }
            }
            func permit(_ number: Int) async throws {
                let id = OrderID("ord-\(number)")
                guard case .granted = try await store.permit(aRequest(id, tenure), deciding: { grant($0.order) }) else {
                    Issue.record("order \(number) is not permitted")
                    return
                }
                _ = try await store.update(id, under: tenure, at: start) { snapshot in
                    guard var attempt = snapshot.attempts.last else { return nil }
                    (attempt.outcome, attempt.endedAt) = ("refused", start)
                    var order = snapshot.order
                    (order.state, order.reason) = (.rejected, "test")
                    return OrderChange(order: order, attempts: [attempt])
                }
            }
            // More often than the server plans anew.
            try await admit(0..<12)
            for number in 0..<12 { try await permit(number) }
            try await admit(12..<400)
            for number in 12..<72 { try await permit(number) }
            await store.close()
            let read = try await place.query("SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables WHERE relname IN ('orders', 'attempts', 'fills')")
            #expect(try (read?.integer(0) ?? -1) < 4000)
        }
    }
}
