import Foundation
import SimulatorKit
import Testing
import TradingModel

/// Orders that belong together.
@Suite struct ListTests {
    private static let time = Timestamp(milliseconds: 1_763_700_000_000)

    private func core(base: Quantity = 0) throws -> ExchangeCore {
        ExchangeCore(
            .init(
                instruments: [Instrument(symbol: "BTCUSD", base: "BTC", quote: "USD", tickSize: 1, lotSize: try Quantity("0.1"))],
                prices: ["BTCUSD": 100], initialBalances: ["USD": 1000, "BTC": base], duplicateRule: .amongOpen))
    }

    private func order(_ id: String, _ side: Side, _ kind: SimulatedOrder.Kind, limit: Price? = nil, stop: Price? = nil) -> OrderRequest {
        OrderRequest(account: "a", clientOrderID: id, symbol: "BTCUSD", side: side, kind: kind, quantity: 2, limitPrice: limit, stopPrice: stop)
    }

    private func bracket(entry: Price) -> OrderListRequest {
        OrderListRequest(
            clientListID: "l", working: order("e", .buy, .limit, limit: entry),
            pending: [order("t", .sell, .limitMaker, limit: 120), order("s", .sell, .stop, stop: 80)])
    }

    private func pair() -> [OrderRequest] { [order("t", .sell, .limitMaker, limit: 120), order("s", .sell, .stop, stop: 80)] }

    private func statuses(_ core: ExchangeCore) -> [VenueOrderStatus] { core.orders.map(\.status) }

    private func locked(_ core: ExchangeCore, _ asset: Asset) -> Quantity? { core.balances(of: "a").first { $0.asset == asset }?.locked }

    private func free(_ core: ExchangeCore, _ asset: Asset) -> Quantity? { core.balances(of: "a").first { $0.asset == asset }?.free }

    @Test func `the others wait outside the market until the entry has filled wholly`() throws {
        var core = try core()
        let events = try core.place(bracket(entry: 90), at: Self.time)
        #expect(events.map(\.kind) == [.accepted, .accepted, .accepted])
        #expect(statuses(core) == [.accepted, .pendingNew, .pendingNew])
        _ = try core.setPrice(95, of: "BTCUSD", at: Self.time)
        _ = try core.fill(1, quantity: 1, at: Self.time)
        #expect(statuses(core) == [.partiallyFilled, .pendingNew, .pendingNew])
        let filled = try core.fill(1, quantity: 1, at: Self.time)
        #expect(statuses(core) == [.filled, .accepted, .accepted])
        #expect(filled.dropFirst().map(\.kind) == [.entered, .entered])
        #expect(locked(core, "BTC") == 2)
    }

    @Test(arguments: [(Price(120), [VenueOrderStatus.filled, .filled, .expired], Quantity(1040)), (80, [.filled, .expired, .filled], 960)])
    func `the one of the pair that trades ends the other, and money is moved once`(
        _ price: Price, _ expected: [VenueOrderStatus], _ money: Quantity
    ) throws {
        var core = try core()
        _ = try core.place(bracket(entry: 100), at: Self.time)
        let events = try core.setPrice(price, of: "BTCUSD", at: Self.time)
        #expect(statuses(core) == expected)
        #expect(events.last?.list?.isDone == true)
        #expect(free(core, "USD") == money && locked(core, "USD") == 0)
        #expect(free(core, "BTC") == 0 && locked(core, "BTC") == 0)
    }

    @Test func `a part of the stop that finds no liquidity keeps no money locked`() throws {
        var core = try core(base: 2)
        _ = try core.place(OrderListRequest(clientListID: "l", working: nil, pending: pair()), at: Self.time)
        #expect(locked(core, "BTC") == 2)
        _ = try core.setLiquidity(1, of: "BTCUSD", at: Self.time)
        _ = try core.setPrice(80, of: "BTCUSD", at: Self.time)
        #expect(statuses(core) == [.expired, .expired])
        #expect(core.order(2)?.filledQuantity == 1 && core.order(2)?.ending == .insufficientLiquidity)
        #expect(free(core, "BTC") == 1 && locked(core, "BTC") == 0)
    }

    @Test func `an entry that ends takes what waits behind it along`() throws {
        var core = try core()
        _ = try core.place(bracket(entry: 90), at: Self.time)
        _ = try core.cancelList(1, account: "a", at: Self.time)
        #expect(statuses(core) == [.cancelled, .cancelled, .cancelled])
        var fillOrKill = bracket(entry: 90)
        fillOrKill.working?.timeInForce = .fok
        _ = try core.place(fillOrKill, at: Self.time)
        #expect(statuses(core).suffix(3) == [.expired, .expired, .expired])
        #expect(core.orders.last?.ending == .workingOrderEnded)
    }

    @Test func `a pair that the market does not take is expired whole when its entry fills`() throws {
        var core = try core()
        _ = try core.place(bracket(entry: 130), at: Self.time)
        #expect(statuses(core) == [.filled, .accepted, .accepted])
        var late = bracket(entry: 130)
        late.pending[0].limitPrice = 99
        late.pending[0].clientOrderID = "t2"
        late.pending[1].clientOrderID = "s2"
        _ = try core.place(late, at: Self.time)
        #expect(statuses(core).suffix(3) == [.filled, .expired, .expired])
        #expect(core.orders.suffix(2).map(\.ending) == [.rejectedOnTrigger, .pairTriggered])
    }

    @Test func `a list that cannot be taken whole leaves nothing behind`() throws {
        var core = try core()
        _ = try core.place(order("s", .buy, .limit, limit: 50), at: Self.time)
        #expect(throws: ExchangeRefusal.self) { try core.place(bracket(entry: 90), at: Self.time) }
        #expect(core.orders.count == 1 && core.lists.isEmpty)
        #expect(locked(core, "USD") == 100)
    }

    @Test func `a quantity is lowered in place, and money comes back`() throws {
        var core = try core()
        _ = try core.place(order("o", .buy, .limit, limit: 50), at: Self.time)
        #expect(try core.reduce(1, account: "a", to: 1, at: Self.time).map(\.kind) == [.amended])
        #expect(core.order(1)?.quantity == 1 && locked(core, "USD") == 50)
        #expect(throws: ExchangeRefusal.self) { try core.reduce(1, account: "a", to: 1, at: Self.time) }
    }
}
