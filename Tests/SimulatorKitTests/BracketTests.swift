import Foundation
import SimulatorKit
import Testing
import TradingModel

/// Lists whose pending orders close what their working order filled: how the embedded broker keeps brackets.
@Suite struct BracketTests {
    private typealias Base = ExchangeCoreTests
    private static let now = ExchangeCoreTests.now
    private static let symbol = ExchangeCoreTests.symbol

    private static func core() throws -> ExchangeCore {
        var settings = try Base.core().settings
        settings.pendingFollowsFills = true
        return ExchangeCore(settings)
    }

    private static func bracket(_ entry: OrderRequest, stop: Price? = 58000, target: Price? = 65000) throws -> OrderListRequest {
        var legs: [OrderRequest] = []
        if let stop { legs.append(try Base.order("e-sl", entry.side.opposite, .stop, stop: stop)) }
        if let target { legs.append(try Base.order("e-tp", entry.side.opposite, .limit, limit: target)) }
        return OrderListRequest(clientListID: "e", working: entry, pending: legs)
    }
    private func status(_ core: ExchangeCore, _ id: String) -> VenueOrderStatus? { core.order(id, account: "a")?.status }

    @Test func `the legs close what the entry bought less its fee, reserved once`() throws {
        var core = try Self.core()
        _ = try core.place(Self.bracket(Base.order("e", .buy, .limit, limit: 59000)), at: Self.now)
        #expect(status(core, "e-sl") == .pendingNew && status(core, "e-tp") == .pendingNew)
        _ = try core.setPrice(58500, of: Self.symbol, at: Self.now)
        #expect(status(core, "e") == .filled && status(core, "e-sl") == .accepted && status(core, "e-tp") == .accepted)
        // A fee of 0.001 was taken out of 0.1.
        #expect(core.order("e-sl", account: "a")?.quantity == (try Quantity("0.0999")))
        #expect(try Base.balance(core, "BTC") == SimulatedBalance(asset: "BTC", free: 1, locked: try Quantity("0.0999")))
        #expect(throws: ExchangeRefusal.insufficientFunds) { try core.place(try Base.order("out", .sell, .market, "1.05"), at: Self.now) }
    }

    @Test func `when one leg trades the other gives way, and the books are right`() throws {
        for (price, filled, other, at) in [(Price(66000), "e-tp", "e-sl", Price(65000)), (57000, "e-sl", "e-tp", 57000)] {
            var core = try Self.core()
            _ = try core.place(Self.bracket(Base.order("e")), at: Self.now)
            _ = try core.setPrice(price, of: Self.symbol, at: Self.now)
            #expect(status(core, filled) == .filled && core.order(other, account: "a")?.ending == .pairTriggered)
            #expect(core.trades.last?.price == at)
            #expect(try Base.balance(core, "BTC") == SimulatedBalance(asset: "BTC", free: 1))
            #expect(try core.setPrice(60000, of: Self.symbol, at: Self.now).isEmpty)
            try Base.checkBooks(core)
        }
    }

    @Test func `a partly filled entry that ends is protected as far as it filled, an unfilled one takes its legs along`() throws {
        var core = try Self.core()
        _ = try core.place(Self.bracket(Base.order("e", .buy, .limit, limit: 59000)), at: Self.now)
        _ = try core.fill(1, quantity: try Quantity("0.04"), at: Self.now)
        #expect(status(core, "e-sl") == .pendingNew)
        _ = try core.cancelMember(1, account: "a", at: Self.now)
        #expect(status(core, "e-sl") == .accepted)
        #expect(core.order("e-tp", account: "a")?.quantity == (try Quantity("0.03996")))
        var empty = try Self.core()
        _ = try empty.place(Self.bracket(Base.order("e", .buy, .limit, limit: 59000)), at: Self.now)
        let events = try empty.cancelMember(1, account: "a", at: Self.now)
        #expect(events.first?.order.clientOrderID == "e" && empty.orders.allSatisfy { $0.status == .cancelled })
    }

    @Test func `a leg that is cancelled takes the other along, before and after the entry's fill, and one leg alone works too`() throws {
        for entry in [try Base.order("e"), try Base.order("e", .buy, .limit, limit: 59000)] {
            var core = try Self.core()
            _ = try core.place(Self.bracket(entry), at: Self.now)
            let before = status(core, "e")
            _ = try core.cancelMember(3, account: "a", at: Self.now)
            #expect(status(core, "e-sl") == .cancelled && status(core, "e-tp") == .cancelled && status(core, "e") == before)
            #expect(try Base.balance(core, "BTC").locked == 0)
            _ = try core.setPrice(57000, of: Self.symbol, at: Self.now)
            #expect(status(core, "e") == .filled && status(core, "e-sl") == .cancelled)
        }
        var single = try Self.core()
        _ = try single.place(Self.bracket(Base.order("e"), target: nil), at: Self.now)
        _ = try single.setPrice(57000, of: Self.symbol, at: Self.now)
        #expect(status(single, "e-sl") == .filled)
    }

    @Test func `a short entry is closed by buys, and a stop entry waits for its trigger`() throws {
        var short = try Self.core()
        _ = try short.place(Self.bracket(Base.order("e", .sell), stop: 62000, target: 55000), at: Self.now)
        _ = try short.setPrice(54000, of: Self.symbol, at: Self.now)
        #expect(status(short, "e-tp") == .filled && short.trades.map(\.side) == [.sell, .buy])
        try Base.checkBooks(short)
        var stop = try Self.core()
        _ = try stop.place(Self.bracket(Base.order("e", .buy, .stop, stop: 61000)), at: Self.now)
        #expect(stop.trades.isEmpty && status(stop, "e-sl") == .pendingNew)
        _ = try stop.setPrice(61000, of: Self.symbol, at: Self.now)
        #expect(status(stop, "e") == .filled && status(stop, "e-sl") == .accepted)
    }

    @Test func `a restored bracket goes on as it would have`() throws {
        var core = try Self.core()
        var events = try core.place(Self.bracket(Base.order("e", .buy, .limit, limit: 59000)), at: Self.now)
        events += try core.setPrice(58500, of: Self.symbol, at: Self.now)
        let stored = try JSONDecoder().decode([ExchangeEvent].self, from: JSONEncoder().encode(events))
        for length in [3, stored.count] {
            var restored = try Self.core()
            for event in stored.prefix(length) { try restored.restore(event) }
            // The price is no part of a history.
            _ = try restored.setPrice(58500, of: Self.symbol, at: Self.now)
            #expect(restored.orders == core.orders && restored.balances(of: "a") == core.balances(of: "a"))
            var other = core
            let after = (try restored.setPrice(66000, of: Self.symbol, at: Self.now), try other.setPrice(66000, of: Self.symbol, at: Self.now))
            #expect(after.0.map(\.order) == after.1.map(\.order))
            #expect(status(restored, "e-tp") == .filled && restored.order("e-sl", account: "a")?.ending == .pairTriggered)
        }
    }
}
