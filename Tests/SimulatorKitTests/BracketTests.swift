import Foundation
import SimulatorKit
import Testing
import TradingModel

@Suite struct BracketTests {
    private typealias Base = ExchangeCoreTests
    private static let now = ExchangeCoreTests.now
    private static let symbol = ExchangeCoreTests.symbol

    private static func legs(stop: Price? = 58000, target: Price? = 65000) -> [LegRequest] {
        var legs: [LegRequest] = []
        if let stop { legs.append(LegRequest(clientOrderID: "e-sl", kind: .stop, stopPrice: stop)) }
        if let target { legs.append(LegRequest(clientOrderID: "e-tp", kind: .limit, limitPrice: target)) }
        return legs
    }
    private func status(_ core: ExchangeCore, _ id: String) -> VenueOrderStatus? { core.order(id, account: "a")?.status }

    @Test func `legs wait for their entry, and work for what it bought less its fee`() throws {
        var core = try Base.core()
        let waiting = try core.place(try Base.order("e", .buy, .limit, limit: 59000), legs: Self.legs(), at: Self.now)
        #expect(waiting.map(\.order.status) == [.accepted, .pendingNew, .pendingNew])
        #expect(try core.setPrice(59500, of: Self.symbol, at: Self.now).isEmpty)
        _ = try core.setPrice(58500, of: Self.symbol, at: Self.now)
        #expect(status(core, "e") == .filled && status(core, "e-sl") == .accepted && status(core, "e-tp") == .accepted)
        // A fee of 0.001 was taken out of 0.1.
        #expect(core.order("e-sl", account: "a")?.quantity == (try Quantity("0.0999")))
        // Reserved once, not twice.
        #expect(try Base.balance(core, "BTC") == SimulatedBalance(asset: "BTC", free: 1, locked: try Quantity("0.0999")))
    }

    @Test func `when the target trades the stop is cancelled, and the other way round`() throws {
        for (price, filled, other, at) in [(Price(66000), "e-tp", "e-sl", Price(65000)), (57000, "e-sl", "e-tp", 57000)] {
            var core = try Base.core()
            _ = try core.place(try Base.order("e"), legs: Self.legs(), at: Self.now)
            let events = try core.setPrice(price, of: Self.symbol, at: Self.now)
            #expect(status(core, filled) == .filled && status(core, other) == .cancelled)
            #expect(events.last?.order.clientOrderID == filled)
            #expect(core.trades.last?.price == at)
            #expect(try Base.balance(core, "BTC") == SimulatedBalance(asset: "BTC", free: 1))
            #expect(try core.setPrice(60000, of: Self.symbol, at: Self.now).isEmpty)
            try ExchangeCoreTests.checkBooks(core)
        }
    }

    @Test func `a price that jumps over entry and stop at once fills both in their order`() throws {
        var core = try Base.core()
        _ = try core.place(try Base.order("e", .buy, .limit, limit: 59000), legs: Self.legs(), at: Self.now)
        _ = try core.setPrice(57000, of: Self.symbol, at: Self.now)
        #expect(status(core, "e") == .filled && status(core, "e-sl") == .filled && status(core, "e-tp") == .cancelled)
        #expect(core.trades.map(\.price) == [59000, 57000])
    }

    @Test func `an entry that ends without a fill cancels its legs`() throws {
        var core = try Base.core()
        _ = try core.place(try Base.order("e", .buy, .limit, limit: 59000), legs: Self.legs(), at: Self.now)
        let events = try core.cancelWithBracket(1, account: "a", at: Self.now)
        #expect(events.map(\.order.clientOrderID) == ["e", "e-sl", "e-tp"])
        #expect(events.allSatisfy { $0.order.status == .cancelled })
        _ = try core.setLiquidity(0, of: Self.symbol, at: Self.now)
        let expired = try core.place(
            try Base.order("f"), legs: [LegRequest(clientOrderID: "f-sl", kind: .stop, stopPrice: 58000)], at: Self.now)
        #expect(expired.map(\.order.status) == [.accepted, .pendingNew, .expired, .cancelled])
    }

    @Test func `a partly filled entry is protected as far as it filled`() throws {
        var core = try Base.core()
        _ = try core.place(try Base.order("e", .buy, .limit, limit: 59000), legs: Self.legs(), at: Self.now)
        _ = try core.fill(1, quantity: try Quantity("0.04"), at: Self.now)
        #expect(status(core, "e-sl") == .pendingNew)
        _ = try core.cancelWithBracket(1, account: "a", at: Self.now)
        #expect(status(core, "e-sl") == .accepted)
        #expect(core.order("e-tp", account: "a")?.quantity == (try Quantity("0.03996")))
    }

    @Test func `a leg that is cancelled takes the other along, and one leg alone works too`() throws {
        var core = try Base.core()
        _ = try core.place(try Base.order("e"), legs: Self.legs(), at: Self.now)
        _ = try core.cancelWithBracket(3, account: "a", at: Self.now)
        #expect(status(core, "e-sl") == .cancelled && status(core, "e-tp") == .cancelled && status(core, "e") == .filled)
        #expect(try Base.balance(core, "BTC").locked == 0)
        var single = try Base.core()
        _ = try single.place(try Base.order("e"), legs: Self.legs(target: nil), at: Self.now)
        _ = try single.setPrice(57000, of: Self.symbol, at: Self.now)
        #expect(status(single, "e-sl") == .filled)
    }

    @Test func `a short entry is closed by buys`() throws {
        var core = try Base.core()
        let legs = [LegRequest(clientOrderID: "e-sl", kind: .stop, stopPrice: 62000), LegRequest(clientOrderID: "e-tp", kind: .limit, limitPrice: 55000)]
        _ = try core.place(try Base.order("e", .sell), legs: legs, at: Self.now)
        _ = try core.setPrice(54000, of: Self.symbol, at: Self.now)
        #expect(status(core, "e-tp") == .filled && status(core, "e-sl") == .cancelled)
        #expect(core.trades.map(\.side) == [.sell, .buy])
        try ExchangeCoreTests.checkBooks(core)
    }

    @Test func `what the entry bought is locked for its legs`() throws {
        var core = try Base.core()
        _ = try core.place(try Base.order("e"), legs: Self.legs(), at: Self.now)
        #expect(throws: ExchangeRefusal.insufficientFunds) { try core.place(try Base.order("out", .sell, .market, "1.05"), at: Self.now) }
        _ = try core.place(try Base.order("in", .sell, .market, "1"), at: Self.now)
        _ = try core.setPrice(66000, of: Self.symbol, at: Self.now)
        #expect(status(core, "e-tp") == .filled)
        #expect(try Base.balance(core, "BTC") == SimulatedBalance(asset: "BTC", free: 0))
    }

    @Test func `nothing is taken when a part of the bracket is impossible`() throws {
        var core = try Base.core(.forever)
        _ = try core.place(try Base.order("e-tp"), at: Self.now)
        let before = core.balances(of: "a")
        #expect(throws: ExchangeRefusal.self) { try core.place(try Base.order("e"), legs: Self.legs(), at: Self.now) }
        #expect(throws: ExchangeRefusal.self) {
            try core.place(try Base.order("g"), legs: [LegRequest(clientOrderID: "g-sl", kind: .stop)], at: Self.now)
        }
        #expect(core.orders.count == 1 && core.balances(of: "a") == before)
    }

    @Test func `a restored bracket goes on as it would have`() throws {
        var core = try Base.core()
        var events = try core.place(try Base.order("e", .buy, .limit, limit: 59000), legs: Self.legs(), at: Self.now)
        events += try core.setPrice(58500, of: Self.symbol, at: Self.now)
        let stored = try JSONDecoder().decode([ExchangeEvent].self, from: JSONEncoder().encode(events))
        for length in [3, stored.count] {
            var restored = try Base.core()
            for event in stored.prefix(length) { try restored.restore(event) }
            if length < stored.count { _ = try restored.setPrice(58500, of: Self.symbol, at: Self.now) }
            #expect(restored.orders == core.orders && restored.balances(of: "a") == core.balances(of: "a"))
            var other = core
            #expect(try restored.setPrice(66000, of: Self.symbol, at: Self.now).map(\.order) == other.setPrice(66000, of: Self.symbol, at: Self.now).map(\.order))
            #expect(status(restored, "e-tp") == .filled && status(restored, "e-sl") == .cancelled)
        }
    }
}
