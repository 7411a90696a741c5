import Foundation
import GRDB
import StoreContract
import Testing
import TradingModel

@testable import SQLiteStore

@Suite struct BracketTests {
    static let bracket = Bracket(stopLoss: 58000, takeProfit: 65000)

    /// An entry and its legs, as a signal with stop loss and take profit plans them.
    static func orders(_ name: String) -> [OrderRecord] {
        var entry = anOrder(name)
        entry.bracket = bracket
        return [entry] + BracketRole.allCases.enumerated().map { number, role in
            var leg = anOrder(name, side: .sell)
            leg.id = OrderID("ord-\(name)-\(role.rawValue)")
            leg.leg = number + 1
            leg.clientOrderID = entry.clientOrderID.leg(role)
            leg.type = role == .stopLoss ? .stop : .limit
            leg.limitPrice = role == .takeProfit ? bracket.takeProfit : nil
            leg.stopPrice = role == .stopLoss ? bracket.stopLoss : nil
            leg.bracketRole = role
            leg.entryID = entry.id
            return leg
        }
    }

    static func admit(_ name: String, _ fixture: StoreFixture, change: (inout [OrderRecord]) -> Void = { _ in }) async throws -> [OrderID] {
        var orders = orders(name)
        change(&orders)
        let result = try await fixture.store.admit(Admission(signal: aSignal(name), orders: orders, window: .seconds(300), rate: nil))
        guard result == .admitted else { throw StoreError.refused("\(result)") }
        return orders.map(\.id)
    }

    static func complete(_ order: OrderRecord, bracket: Bracket? = bracket) throws -> NewOrder {
        try NewOrder(
            clientOrderID: order.clientOrderID, symbol: order.symbol, side: order.side, type: order.type, quantity: order.requestedQuantity,
            limitPrice: order.limitPrice, timeInForce: order.timeInForce, bracket: bracket)
    }

    private func states(_ ids: [OrderID], _ fixture: StoreFixture) async throws -> [OrderState?] {
        var states: [OrderState?] = []
        for id in ids { states.append(try await fixture.store.order(id)?.order.state) }
        return states
    }

    @Test func `entry and legs are read as they were admitted, and the entry with its legs`() async throws {
        try await StoreFixture.run { fixture async throws in
            let ids = try await Self.admit("a", fixture)
            let snapshot = try #require(try await fixture.store.order(ids[0]))
            #expect([snapshot.order] + snapshot.legs.map(\.order) == Self.orders("a"))
            #expect(try await fixture.store.order(ids[1])?.legs.isEmpty == true)
        }
    }

    @Test func `one permit takes the legs along, with the same fence, number and window`() async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let ids = try await Self.admit("a", fixture)
            let order = try Self.complete(Self.orders("a")[0])
            guard case .granted(let permit, let record) = try await fixture.store.permit(request(ids[0], tenure), deciding: { _ in .grant(order, notes: []) })
            else { throw StoreError.refused("") }
            #expect(permit.order.bracket == Self.bracket && record.state == .permitted)
            let snapshot = try #require(try await fixture.store.order(ids[0]))
            #expect(snapshot.legs.map(\.order.state) == [.permitted, .permitted] && snapshot.legs.map(\.order.quantity) == [2, 2])
            let own = try #require(snapshot.attempts.first)
            for attempt in snapshot.legs.flatMap(\.attempts) {
                #expect(attempt.number == own.number && attempt.fence == own.fence && attempt.notAfterMonotonic == own.notAfterMonotonic && attempt.orderHash == own.orderHash)
            }
            #expect(try await fixture.count("attempts") == 3)
            #expect(try await fixture.store.verifyJournal() == nil)
        }
    }

    @Test func `an entry is never permitted without its bracket, a leg never by itself`() async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let ids = try await Self.admit("a", fixture)
            let bare = try Self.complete(Self.orders("a")[0], bracket: nil)
            let half = try Self.complete(Self.orders("a")[0], bracket: Bracket(stopLoss: nil, takeProfit: 65000))
            for order in [bare, half] {
                await expectFailure(\.isRefused) { _ = try await fixture.store.permit(request(ids[0], tenure), deciding: { _ in .grant(order, notes: []) }) }
            }
            for id in ids.dropFirst() {
                await expectFailure(\.isRefused) { _ = try await fixture.store.permit(request(id, tenure), deciding: { .grant(completed($0.order), notes: []) }) }
                await expectFailure(\.isRefused) {
                    _ = try await fixture.store.permit(request(id, tenure), deciding: { _ in .close(.skipped, reason: "r", detail: "d") })
                }
            }
            #expect(try await states(ids, fixture) == [.queued, .queued, .queued])
            #expect(try await fixture.count("attempts") == 0)
        }
    }

    @Test(arguments: [OrderState.skipped, .blocked, .stale])
    func `an entry that ends unsent ends its legs in the same transaction`(_ state: OrderState) async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let ids = try await Self.admit("a", fixture)
            _ = try await fixture.store.permit(request(ids[0], tenure), deciding: { _ in .close(state, reason: "why", detail: "d") })
            #expect(try await states(ids, fixture) == [state, state, state])
            let leg = try #require(try await fixture.store.order(ids[1])?.order)
            #expect(leg.reason == "entry_ended" && leg.detail?.contains(ids[0].rawValue) == true)
            #expect(try await fixture.store.openOrders(of: "a1").isEmpty)
        }
    }

    @Test func `a change of the entry changes its legs with it, or nothing changes`() async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let ids = try await Self.admit("a", fixture)
            let other = try await fixture.admitOrder("other")
            let order = try Self.complete(Self.orders("a")[0])
            _ = try await fixture.store.permit(request(ids[0], tenure), deciding: { _ in .grant(order, notes: []) })
            let foreign = await failure {
                try await fixture.store.update(ids[0], under: tenure, at: start) { snapshot in
                    var entry = snapshot.order
                    entry.state = .accepted
                    var stranger = snapshot.order
                    stranger.id = other
                    return OrderChange(order: entry, legs: [OrderChange(order: stranger)])
                }
            }
            #expect(foreign?.isRefused == true)
            #expect(try await states(ids, fixture) == [.permitted, .permitted, .permitted])
            try await fixture.store.update(ids[0], under: tenure, at: start) { snapshot in
                var entry = snapshot.order
                entry.state = .accepted
                return OrderChange(
                    order: entry,
                    legs: snapshot.legs.map { leg in
                        var leg = leg.order
                        leg.state = .accepted
                        return OrderChange(order: leg)
                    })
            }
            #expect(try await states(ids, fixture) == [.accepted, .accepted, .accepted])
        }
    }

    @Test func `resting legs are neither a trade, nor an entry, nor busy, but are told to orders of their side`() async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let ids = try await Self.admit("a", fixture)
            let order = try Self.complete(Self.orders("a")[0])
            _ = try await fixture.store.permit(request(ids[0], tenure), deciding: { _ in .grant(order, notes: []) })
            func facts(_ id: OrderID) async throws -> PermitFacts {
                let seen = Seen()
                _ = try await fixture.store.permit(request(id, tenure)) { facts in
                    seen.set(facts)
                    return .wait(reason: "")
                }
                return try #require(seen.facts)
            }
            let sell = try await fixture.admitOrder("sell") { $0.side = .sell }
            let buy = try await fixture.admitOrder("buy")
            #expect(try await facts(sell).unsettled == ids)
            // The entry fills and the legs rest.
            try await fixture.store.update(ids[0], under: tenure, at: start + .seconds(5)) { snapshot in
                var entry = snapshot.order
                entry.state = .filled
                entry.filledQuantity = 2
                entry.filledAt = start + .seconds(5)
                return OrderChange(
                    order: entry, newFills: [aFill("e1", quantity: 2)],
                    legs: snapshot.legs.map { leg in
                        var leg = leg.order
                        leg.state = .accepted
                        return OrderChange(order: leg)
                    })
            }
            let forSell = try await facts(sell)
            #expect(forSell.unsettled.isEmpty && forSell.openSellQuantity == 0 && forSell.openLegs == Array(ids.dropFirst()))
            let forBuy = try await facts(buy)
            #expect(forBuy.openLegs.isEmpty && forBuy.openBuyQuantity == 0)
            // A leg's trade restarts no cooldown.
            try await fixture.store.update(ids[2], under: tenure, at: start + .seconds(50)) { snapshot in
                var leg = snapshot.order
                leg.state = .filled
                leg.filledQuantity = 2
                leg.filledAt = start + .seconds(50)
                return OrderChange(order: leg)
            }
            #expect(try await facts(buy).lastTradeID == ids[0])
            #expect(try await facts(buy).lastTradeAt == start + .seconds(5))
        }
    }

    @Test func `the entry's own legs never stand in the way of its next attempt`() async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let ids = try await Self.admit("a", fixture)
            let order = try Self.complete(Self.orders("a")[0])
            _ = try await fixture.store.permit(request(ids[0], tenure), deciding: { _ in .grant(order, notes: []) })
            try await fixture.store.update(ids[0], under: tenure, at: start) { snapshot in
                func absent(_ snapshot: OrderSnapshot) -> OrderChange {
                    var order = snapshot.order
                    order.state = .absent
                    var attempt = snapshot.attempts[0]
                    attempt.outcome = "not_sent"
                    attempt.endedAt = start
                    return OrderChange(order: order, attempts: [attempt])
                }
                var change = absent(snapshot)
                change.legs = snapshot.legs.map(absent)
                return change
            }
            let seen = Seen()
            guard case .granted(let permit, _) = try await fixture.store.permit(
                request(ids[0], tenure),
                deciding: { facts in
                    seen.set(facts)
                    return .grant(order, notes: [])
                })
            else { throw StoreError.refused("") }
            #expect(seen.facts?.unsettled == [] && seen.facts?.legs.map(\.state) == [.absent, .absent])
            #expect(permit.attempt == 2)
            #expect(try await fixture.store.order(ids[1])?.attempts.map(\.number) == [1, 2])
        }
    }

    @Test func `an entry without its legs, or a leg without its entry, is not admitted`() async throws {
        try await StoreFixture.run { fixture async throws in
            let changes: [@Sendable (inout [OrderRecord]) -> Void] = [
                { $0.removeLast() }, { $0.removeFirst() }, { $0[1].side = .buy }, { $0[1].stopPrice = 57999 }, { $0[2].symbol = "ETHUSDT" },
                { $0[1].clientOrderID = "other" }, { $0[0].bracket = nil }, { $0[2].entryID = "ord-nobody" }, { $0[1].state = .skipped; $0[1].reason = "r" },
            ]
            for (number, change) in changes.enumerated() {
                await expectFailure(\.isRefused) { _ = try await Self.admit("n\(number)", fixture, change: change) }
            }
            #expect(try await fixture.count("signals") == 0)
        }
    }

    @Test(arguments: [
        "UPDATE orders SET version = version + 1, bracket_role = NULL WHERE leg = 1", "UPDATE orders SET version = version + 1, entry_id = NULL WHERE leg = 1",
        "UPDATE orders SET version = version + 1, stop_loss = '1' WHERE leg = 0", "UPDATE orders SET version = version + 1, take_profit = NULL WHERE leg = 0",
        "UPDATE orders SET version = version + 1, bracket_role = 'take_profit', entry_id = 'ord-a' WHERE leg = 0",
    ])
    func `the tables keep brackets whole`(_ sql: String) async throws {
        try await StoreFixture.run { fixture async throws in
            _ = try await Self.admit("a", fixture)
            await #expect(throws: DatabaseError.self) { try await fixture.sql(sql) }
        }
    }

    @Test(arguments: [
        ("bracket_role", "NULL"), ("entry_id", "NULL"), ("bracket_role", "'trailing'"), ("bracket_role", "'take_profit'"), ("entry_id", "'ord-nobody'"),
        ("stop_loss", "'1'"), ("take_profit", "'-1'"),
    ])
    func `a leg's row is complete and of its role's type`(_ column: String, _ value: String) async throws {
        try await StoreFixture.run { fixture async throws in
            _ = try await Self.admit("a", fixture)
            let columns = OrderRecord.columns.replacingOccurrences(of: "\n", with: " ")
            let names = columns.split(separator: ", ").map { $0.trimmingCharacters(in: .whitespaces) }
            func copy(_ changed: [String: String]) -> String {
                let values = names.map { changed[$0] ?? $0 }.joined(separator: ", ")
                return "INSERT INTO orders (\(columns)) SELECT \(values) FROM orders WHERE leg = 1"
            }
            let fresh = ["id": "'x'", "client_order_id": "'x'", "leg": "7", "entry_id": "'ord-b'"]
            try await fixture.admitOrder("b")
            try await fixture.admitOrder("c")
            try await fixture.sql(copy(fresh))
            await #expect(throws: DatabaseError.self) {
                try await fixture.sql(copy(fresh.merging(["id": "'y'", "client_order_id": "'y'", "leg": "8", "entry_id": "'ord-c'"].merging([column: value]) { $1 }) { $1 }))
            }
        }
    }
}
