import Foundation
import SimulatorKit
import Testing
import TradingModel

/// Orders changed in place, and fees that come on top in quote currency.
@Suite struct AmendingTests {
    private static let time = Timestamp(milliseconds: 1_763_700_000_000)

    private func core() throws -> ExchangeCore {
        ExchangeCore(
            .init(
                instruments: [Instrument(symbol: "BTC-USD", base: "BTC", quote: "USD", tickSize: 1, lotSize: try Quantity("0.1"))],
                prices: ["BTC-USD": 100], initialBalances: ["USD": 1000], makerFee: try Quantity("0.01"), takerFee: try Quantity("0.01"),
                feesInQuote: true, duplicateRule: .forever))
    }

    private func usd(_ core: ExchangeCore) -> [Quantity] {
        core.balances(of: "a").filter { $0.asset == "USD" }.flatMap { [$0.free, $0.locked] }
    }

    @Test func `an amended order keeps its id and reserves what its new terms need`() throws {
        var core = try core()
        let order = OrderRequest(account: "a", clientOrderID: "o", symbol: "BTC-USD", side: .buy, kind: .limit, quantity: 2, limitPrice: 50)
        _ = try core.place(order, at: Self.time)
        #expect(usd(core) == [899, 101])
        let events = try core.amend(1, account: "a", to: Amendment(quantity: 3, limitPrice: 60), at: Self.time)
        #expect(events.map(\.kind) == [.amended])
        #expect(try usd(core) == [Quantity("818.2"), Quantity("181.8")])
        _ = try core.amend(1, account: "a", to: Amendment(quantity: 3, limitPrice: 110), at: Self.time)
        #expect(core.order(1)?.status == .filled && core.order(1)?.averagePrice == 100)
        #expect(usd(core) == [697, 0])
    }

    @Test func `an amendment that cannot be paid or undoes a fill changes nothing`() throws {
        var core = try core()
        let order = OrderRequest(account: "a", clientOrderID: "o", symbol: "BTC-USD", side: .buy, kind: .limit, quantity: 2, limitPrice: 50)
        _ = try core.place(order, at: Self.time)
        _ = try core.fill(1, quantity: 1, at: Self.time)
        let before = usd(core)
        #expect(throws: ExchangeRefusal.insufficientFunds) { try core.amend(1, account: "a", to: Amendment(quantity: 100, limitPrice: 50), at: Self.time) }
        #expect(throws: ExchangeRefusal.self) { try core.amend(1, account: "a", to: Amendment(quantity: 1, limitPrice: 50), at: Self.time) }
        #expect(throws: ExchangeRefusal.noSuchOpenOrder) { try core.amend(1, account: "b", to: Amendment(quantity: 3, limitPrice: 50), at: Self.time) }
        #expect(usd(core) == before)
    }
}
