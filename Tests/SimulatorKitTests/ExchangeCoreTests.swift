import Foundation
import SimulatorKit
import Testing
import TradingModel

@Suite struct ExchangeCoreTests {
    static let now = Timestamp(milliseconds: 1_763_700_000_000)
    static let symbol = Symbol("BTCUSDT")

    static func core(_ duplicates: ExchangeCore.DuplicateRule = .amongOpen) throws -> ExchangeCore {
        ExchangeCore(
            .init(
                instruments: [
                    Instrument(symbol: symbol, base: "BTC", quote: "USDT", tickSize: try Price("0.01"), lotSize: try Quantity("0.00001"))
                ], prices: [symbol: 60000], initialBalances: ["USDT": 100_000, "BTC": 1], makerFee: try Quantity("0.001"),
                takerFee: try Quantity("0.002"), duplicateRule: duplicates))
    }

    static func order(
        _ id: String, _ side: Side = .buy, _ kind: SimulatedOrder.Kind = .market, _ quantity: String = "0.1", limit: Price? = nil,
        stop: Price? = nil, _ timeInForce: TimeInForce = .gtc
    ) throws -> OrderRequest {
        OrderRequest(
            account: "a", clientOrderID: id, symbol: symbol, side: side, kind: kind, timeInForce: timeInForce,
            quantity: try Quantity(quantity), limitPrice: limit, stopPrice: stop)
    }

    static func balance(_ core: ExchangeCore, _ asset: Asset) throws -> SimulatedBalance {
        try #require(core.balances(of: "a").first { $0.asset == asset })
    }

    @Test func `a market buy fills at the price and pays its fee in what it receives`() throws {
        var core = try Self.core()
        let events = try core.place(try Self.order("1"), at: Self.now)
        #expect(events.count == 2)
        #expect(events[0].kind == .accepted && events[0].order.status == .accepted)
        #expect(events[1].order.status == .filled)
        #expect(try core.trades.first?.fee == Notional("0.0002"))
        #expect(try Self.balance(core, "BTC").free == Quantity("1.0998"))
        #expect(try Self.balance(core, "USDT") == SimulatedBalance(asset: "USDT", free: 94000))
    }

    @Test func `a resting limit reserves, fills at its own price when reached, and frees its id`() throws {
        var core = try Self.core()
        _ = try core.place(try Self.order("1", .buy, .limit, limit: 50000), at: Self.now)
        #expect(try Self.balance(core, "USDT") == SimulatedBalance(asset: "USDT", free: 95000, locked: 5000))
        #expect(throws: ExchangeRefusal.self) { try core.place(try Self.order("1", .buy, .limit, limit: 50000), at: Self.now) }
        #expect(try core.setPrice(try Price("50000.01"), of: Self.symbol, at: Self.now).isEmpty)
        let events = try core.setPrice(49000, of: Self.symbol, at: Self.now)
        #expect(events.map(\.order.status) == [.filled])
        #expect(core.trades.first?.price == 50000 && core.trades.first?.isMaker == true)
        #expect(try Self.balance(core, "USDT") == SimulatedBalance(asset: "USDT", free: 95000))
        _ = try core.place(try Self.order("1"), at: Self.now)
        #expect(core.orders.count == 2)
        #expect(core.order("1", account: "a")?.id == 2)
    }

    @Test func `an id that is used for ever is refused after the fill too`() throws {
        var core = try Self.core(.forever)
        _ = try core.place(try Self.order("1"), at: Self.now)
        #expect(throws: ExchangeRefusal.self) { try core.place(try Self.order("1"), at: Self.now) }
        #expect(core.orders.count == 1)
    }

    @Test func `a market order takes the liquidity there is and its rest expires`() throws {
        var core = try Self.core()
        _ = try core.setLiquidity(try Quantity("0.04"), of: Self.symbol, at: Self.now)
        let events = try core.place(try Self.order("1"), at: Self.now)
        #expect(events.last?.kind == .expired(.insufficientLiquidity))
        #expect(try events.last?.order.filledQuantity == Quantity("0.04"))
        #expect(try Self.balance(core, "USDT") == SimulatedBalance(asset: "USDT", free: 97600))
    }

    @Test func `a limit is filled in parts as liquidity comes, and a cancel gives back the rest`() throws {
        var core = try Self.core()
        _ = try core.setLiquidity(try Quantity("0.03"), of: Self.symbol, at: Self.now)
        _ = try core.place(try Self.order("1", .buy, .limit, limit: 60000), at: Self.now)
        _ = try core.setLiquidity(try Quantity("0.03"), of: Self.symbol, at: Self.now)
        #expect(try core.order(1)?.filledQuantity == Quantity("0.06"))
        #expect(core.order(1)?.status == .partiallyFilled)
        let cancelled = try core.cancel(1, account: "a", cancelID: "c1", at: Self.now)
        #expect(cancelled.kind == .cancelled(cancelID: "c1"))
        #expect(try Self.balance(core, "USDT") == SimulatedBalance(asset: "USDT", free: 96400))
        #expect(throws: ExchangeRefusal.noSuchOpenOrder) { try core.cancel(1, account: "a", at: Self.now) }
    }

    @Test func `fill-or-kill fills whole or not at all, immediate-or-cancel what it can`() throws {
        var core = try Self.core()
        _ = try core.setLiquidity(try Quantity("0.03"), of: Self.symbol, at: Self.now)
        let killed = try core.place(try Self.order("1", .buy, .limit, limit: 60000, .fok), at: Self.now)
        #expect(killed.last?.kind == .expired(.unfilledFOK) && core.trades.isEmpty)
        let part = try core.place(try Self.order("2", .buy, .limit, limit: 60000, .ioc), at: Self.now)
        #expect(part.last?.kind == .expired(.unfilledIOC))
        #expect(try part.last?.order.filledQuantity == Quantity("0.03"))
    }

    @Test func `a stop waits, triggers, and then works`() throws {
        var core = try Self.core()
        let placed = try core.place(try Self.order("1", .sell, .stopLimit, limit: 57900, stop: 58000), at: Self.now)
        #expect(placed.map(\.order.isWorking) == [false])
        let events = try core.setPrice(57950, of: Self.symbol, at: Self.now)
        #expect(events.map(\.kind).first == .triggered)
        #expect(events.last?.order.status == .filled)
        #expect(throws: ExchangeRefusal.wouldTriggerImmediately) {
            try core.place(try Self.order("2", .buy, .stop, stop: 50000), at: Self.now)
        }
    }

    @Test func `what it cannot take changes nothing`() throws {
        var core = try Self.core()
        let before = core.balances(of: "a")
        #expect(throws: ExchangeRefusal.insufficientFunds) { try core.place(try Self.order("1", .buy, .market, "2"), at: Self.now) }
        #expect(throws: ExchangeRefusal.wouldTakeLiquidity) {
            try core.place(try Self.order("2", .buy, .limitMaker, limit: 60000), at: Self.now)
        }
        #expect(throws: ExchangeRefusal.unknownSymbol) {
            try core.place(OrderRequest(account: "a", clientOrderID: "3", symbol: "NOPE", side: .buy, kind: .market, quantity: 1), at: Self.now)
        }
        #expect(core.orders.isEmpty && core.balances(of: "a") == before)
    }

    @Test func `its own events restore it`() throws {
        var core = try Self.core()
        var events = try core.place(try Self.order("1", .buy, .limit, limit: 50000), at: Self.now)
        events += try core.place(try Self.order("2"), at: Self.now)
        events += try core.place(try Self.order("3", .sell, .stop, stop: 55000), at: Self.now)
        events += try core.fill(1, quantity: try Quantity("0.01"), at: Self.now)
        events += [try core.cancel(3, account: "a", at: Self.now)]
        let stored = try JSONDecoder().decode([ExchangeEvent].self, from: JSONEncoder().encode(events))
        var restored = try Self.core()
        for event in stored { try restored.restore(event) }
        #expect(restored.orders == core.orders && restored.trades == core.trades)
        #expect(restored.balances(of: "a") == core.balances(of: "a"))
        let next = (try restored.setPrice(50000, of: Self.symbol, at: Self.now), try core.setPrice(50000, of: Self.symbol, at: Self.now))
        #expect(next.0 == next.1 && next.0.count == 1)
    }

    @Test func `money is neither made nor lost, whatever happens`() throws {
        var generator = SeededGenerator(state: 7)
        for _ in 0..<20 {
            var core = try Self.core()
            for step in 0..<200 {
                let limit = Price(Decimal(Int.random(in: 50_000...70_000, using: &generator)))
                let kind = try #require([SimulatedOrder.Kind.market, .limit, .limitMaker, .stop, .stopLimit].randomElement(using: &generator))
                let side: Side = Bool.random(using: &generator) ? .buy : .sell
                let quantity = "0.000\(Int.random(in: 1...99, using: &generator))"
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: _ = try core.setPrice(limit, of: Self.symbol, at: Self.now)
                case 1: _ = try? core.cancel(Int64.random(in: 1...50, using: &generator), account: "a", at: Self.now)
                case 2: _ = try core.setLiquidity(Bool.random(using: &generator) ? nil : try Quantity(quantity), of: Self.symbol, at: Self.now)
                default:
                    _ = try? core.place(
                        try Self.order(
                            "\(step)", side, kind, quantity, limit: kind.hasLimit ? limit : nil, stop: kind.isConditional ? limit : nil),
                        at: Self.now)
                }
                try Self.checkBooks(core)
            }
        }
    }

    /// Balances must follow from the trades, and what is locked from the open orders.
    static func checkBooks(_ core: ExchangeCore) throws {
        var base = Decimal(1)
        var quote = Decimal(100_000)
        for trade in core.trades {
            let value = (trade.quantity * trade.price).value
            base += trade.side == .buy ? trade.quantity.value - trade.fee.value : -trade.quantity.value
            quote += trade.side == .buy ? -value : value - trade.fee.value
        }
        let btc = core.balances(of: "a").first { $0.asset == "BTC" }
        let usdt = core.balances(of: "a").first { $0.asset == "USDT" }
        #expect(btc.map { ($0.free + $0.locked).value } == base)
        #expect(usdt.map { ($0.free + $0.locked).value } == quote)
        let open = core.openOrders(account: "a").filter { $0.side == .sell }.map(\.openQuantity).reduce(.zero, +)
        #expect(btc?.locked == open)
        #expect((usdt?.free ?? -1) >= 0 && (btc?.free ?? -1) >= 0)
    }
}

/// SplitMix64, so that a failing run can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
