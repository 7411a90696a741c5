import Foundation
import GRDB
import StoreContract
import Testing
import TradingModel

@testable import SQLiteStore

@Suite struct UpdateTests {
    @Test func `one change writes order, attempt, fill, position, journal and alert together`() async throws {
        try await withPermitted { (fixture, tenure, id) async throws in
            let record = try await fixture.store.update(id, under: tenure, at: start + .seconds(2)) { snapshot in
                filled(snapshot, execution: "e1")
            }
            #expect(record.version == 3 && record.state == .filled)
            let snapshot = try #require(try await fixture.store.order(id))
            #expect(snapshot.fills == [aFill("e1", quantity: 2)])
            #expect(snapshot.attempts.first?.outcome == "accepted")
            #expect(snapshot.position?.quantity == 2)
            #expect(try await fixture.store.positions(account: nil).count == 1)
            #expect(try await fixture.store.alerts(includeResolved: false, limit: 10).map(\.type) == ["note"])
            #expect(try await fixture.store.order(account: "a1", symbol: "BTCUSDT", venueOrderID: "v1")?.id == id)
            #expect(try await fixture.store.verifyJournal() == nil)
        }
    }

    @Test func `an execution id counts once per account, and the whole change is refused with it`() async throws {
        try await withPermitted { (fixture, tenure, id) async throws in
            try await fixture.store.update(id, under: tenure, at: start) { snapshot in
                var order = snapshot.order
                order.state = .partiallyFilled
                order.filledQuantity = 1
                return OrderChange(order: order, newFills: [aFill("e1")])
            }
            let again = await failure {
                try await fixture.store.update(id, under: tenure, at: start) { snapshot in
                    var order = snapshot.order
                    order.filledQuantity = 2
                    return OrderChange(order: order, newFills: [aFill("e1")])
                }
            }
            #expect(again?.isRefused == true)
            #expect(try await fixture.store.order(id)?.order.filledQuantity == 1)
        }
    }

    @Test func `nothing to change writes nothing`() async throws {
        try await withPermitted { (fixture, tenure, id) async throws in
            let before = try await fixture.store.lastJournalSequence()
            let unchanged = try await fixture.store.update(id, under: tenure, at: start) { _ in nil }
            let same = try await fixture.store.update(id, under: tenure, at: start) { OrderChange(order: $0.order) }
            #expect(unchanged.version == 2 && same.version == 2)
            #expect(try await fixture.store.lastJournalSequence() == before)
        }
    }

    @Test func `identity, quantity and what is filled cannot be changed`() async throws {
        try await withPermitted { (fixture, tenure, id) async throws in
            let changes: [@Sendable (inout OrderRecord) -> Void] = [
                { $0.symbol = "ETHUSDT" }, { $0.clientOrderID = "other" }, { $0.side = .sell }, { $0.quantity = 3 },
                { $0.limitPrice = 1 }, { $0.attempts = 2 }, { $0.expiresAt = start }, { $0.requestedQuantity = 9 },
                { $0.filledQuantity = -1 }, { $0.state = .queued }, { $0.policy = OrderPolicy(longOnly: true) },
                { $0.state = .rejected }, { $0.state = .filled },
            ]
            for (index, change) in changes.enumerated() {
                let error = await failure {
                    try await fixture.store.update(id, under: tenure, at: start) { snapshot in
                        var order = snapshot.order
                        change(&order)
                        return OrderChange(order: order)
                    }
                }
                #expect(error?.isRefused == true, "change \(index): \(String(describing: error))")
            }
            #expect(try await fixture.store.order(id)?.order.version == 2)
        }
    }

    @Test func `a terminal order stays as it ended but still takes a late fill`() async throws {
        try await withPermitted { (fixture, tenure, id) async throws in
            try await fixture.store.update(id, under: tenure, at: start) { snapshot in
                var order = snapshot.order
                order.state = .cancelled
                return OrderChange(order: order)
            }
            let reopened = await failure {
                try await fixture.store.update(id, under: tenure, at: start) { snapshot in
                    var order = snapshot.order
                    order.state = .accepted
                    return OrderChange(order: order)
                }
            }
            #expect(reopened?.isRefused == true)
            let late = try await fixture.store.update(id, under: tenure, at: start) { snapshot in
                var order = snapshot.order
                order.filledQuantity = 1
                return OrderChange(order: order, newFills: [aFill("late")])
            }
            #expect(late.state == .cancelled && late.filledQuantity == 1)
        }
    }

    @Test func `alerts count up, never fall in severity, and open anew once resolved`() async throws {
        try await StoreFixture.run { fixture async throws in
            let store = fixture.store
            try await store.raise(AlertDraft(type: "t", severity: .high, subject: "s", message: "1"), at: start)
            try await store.raise(AlertDraft(type: "t", severity: .low, subject: "s", message: "2"), at: start + .seconds(1))
            var alerts = try await store.alerts(includeResolved: false, limit: 10)
            #expect(alerts.map(\.count) == [2] && alerts.first?.severity == .high && alerts.first?.message == "2")
            try await store.resolveAlert(type: "t", subject: "s", at: start + .seconds(2))
            try await store.resolveAlert(type: "t", subject: "s", at: start + .seconds(2))
            #expect(try await store.alerts(includeResolved: false, limit: 10).isEmpty)
            try await store.raise(AlertDraft(type: "t", severity: .low, subject: "s", message: "3"), at: start + .seconds(3))
            alerts = try await store.alerts(includeResolved: true, limit: 10)
            #expect(alerts.map(\.count) == [1, 2])
            #expect(try await store.journal(after: 0, limit: 10).map(\.type) == ["alert.raised", "alert.raised", "alert.resolved", "alert.raised"])
        }
    }

    @Test func `orders are listed newest first and in pages`() async throws {
        try await StoreFixture.run { fixture async throws in
            for name in ["1", "2", "3"] { try await fixture.admitOrder(name) }
            let page = try await fixture.store.orders(OrderQuery(account: "a1", states: [.queued], limit: 2))
            #expect(page.map(\.id) == ["ord-3", "ord-2"])
            let rest = try await fixture.store.orders(OrderQuery(strategy: "trend", before: "ord-2"))
            #expect(rest.map(\.id) == ["ord-1"])
            #expect(try await fixture.store.openOrders(of: "a1").map(\.id) == ["ord-1", "ord-2", "ord-3"])
            #expect(try await fixture.store.signals(before: "sig-3", limit: 1).map(\.id) == ["sig-2"])
        }
    }

    private func withPermitted(_ body: (StoreFixture, Tenure, OrderID) async throws -> Void) async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let id = try await fixture.admitOrder("a")
            try await fixture.permit(id, under: tenure)
            try await body(fixture, tenure, id)
        }
    }
}

private func filled(_ snapshot: OrderSnapshot, execution: ExecutionID) -> OrderChange {
    var order = snapshot.order
    order.state = .filled
    order.filledQuantity = 2
    order.venueOrderID = "v1"
    order.filledAt = start
    var attempt = snapshot.attempts[0]
    attempt.outcome = "accepted"
    attempt.evidence = "{}"
    attempt.endedAt = start
    return OrderChange(
        order: order, attempts: [attempt], newFills: [aFill(execution, quantity: 2)],
        position: PositionRecord(account: "a1", symbol: "BTCUSDT", quantity: 2, averagePrice: 1, realizedProfit: 0, updatedAt: start),
        journal: [JournalDraft(type: "order.filled", signalID: order.signalID, orderID: order.id, account: order.account, data: "{}")],
        alerts: [AlertDraft(type: "note", severity: .low, subject: "s", message: "m")])
}
