import SimulatorKit
import Testing
import TradingModel

@Suite(.timeLimit(.minutes(2))) struct SimulatedExchangeTests {
    @Test func `a subscriber that is cancelled while it is told something holds up nobody`() async throws {
        let exchange = SimulatedExchange(
            .init(
                instruments: [Instrument(symbol: "BTCUSD", base: "BTC", quote: "USD", tickSize: 1, lotSize: 1)], prices: ["BTCUSD": 100],
                initialBalances: ["USD": 1_000_000, "BTC": 0], duplicateRule: .amongOpen), clock: SystemClock())
        for round in 0..<1000 {
            let events = exchange.events(of: "a")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in events {} }
                await Task.yield()
                group.addTask {
                    let order = OrderRequest(account: "a", clientOrderID: "o\(round)", symbol: "BTCUSD", side: .buy, kind: .market, quantity: 1)
                    _ = try exchange.place(order)
                }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
        #expect(exchange.read { core in core.orders.count } == 1000)
    }
}
