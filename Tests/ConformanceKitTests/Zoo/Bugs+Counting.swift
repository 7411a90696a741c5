import BrokerContract
import ExchangeContract
import TradingModel

extension PlantedBug {
    /// Bugs about money that was or is.
    static let counting: [PlantedBug] = [
        PlantedBug("every fill is a buy", caughtBy: "BC-13.sell") {
            Hooks(fillsOfOrder: { base, order throws(BrokerError) in try await base.fills(of: order).map { $0.with(side: .buy) } })
        },
        PlantedBug("a fill has the order's price, not the venue's", caughtBy: "BC-13.terms") {
            Hooks(fillsOfOrder: { base, order throws(BrokerError) in try await base.fills(of: order).map { $0.with(price: $0.price + 1) } })
        },
        PlantedBug("a cancelled order has no fills", caughtBy: "BC-08.partly-filled") {
            Hooks(fillsOfOrder: { base, order throws(BrokerError) in
                if case .found(let report) = await base.lookup(order), report.status == .cancelled { return [] }
                return try await base.fills(of: order)
            })
        },
        PlantedBug("fills come newest first", caughtBy: "BC-13.partial") {
            Hooks(fillsOfOrder: { base, order throws(BrokerError) in try await base.fills(of: order).reversed() })
        },
        PlantedBug("only the last fill is returned", caughtBy: "BC-13.partial") {
            Hooks(fillsOfOrder: { base, order throws(BrokerError) in try await base.fills(of: order).suffix(1) })
        },
        PlantedBug("query and stream name executions differently", caughtBy: "BC-13.one-id") {
            Hooks(fillsOfOrder: { base, order throws(BrokerError) in try await base.fills(of: order).map { $0.with(id: ExecutionID("q-\($0.executionID)")) } })
        },
        PlantedBug("the first page of fills passes for all", caughtBy: "BC-13.pages") {
            Hooks(fills: { base, symbol, since throws(BrokerError) in Array(try await base.fills(symbol, since: since).prefix(1000)) })
        },
        PlantedBug("fills that could not be read are none", caughtBy: "BC-13.fills.garbage") {
            Hooks(fills: { base, symbol, since throws(BrokerError) in (try? await base.fills(symbol, since: since)) ?? [] })
        },
        PlantedBug("fills ignore their beginning", caughtBy: "BC-13.by-symbol") {
            Hooks(fills: { base, symbol, _ throws(BrokerError) in try await base.fills(symbol, since: SystemClock().wallTime - .seconds(3600)) })
        },
        PlantedBug("positions are made up as flat", caughtBy: "BC-14.positions") { Hooks(positions: { _ in [] }) },
        PlantedBug("balances are remembered", caughtBy: "XC-01.fresh") {
            let memory = Memory<[Balance]>([])
            return Hooks(balances: { base throws(BrokerError) in
                let known = memory.update { $0 }
                guard known.isEmpty else { return known }
                let balances = try await base.balances()
                memory.update { $0 = balances }
                return balances
            })
        },
        PlantedBug("locked money is gone", caughtBy: "XC-01.locked") {
            Hooks(balances: { base throws(BrokerError) in
                try await base.balances().map { Balance(asset: $0.asset, available: $0.available, locked: .zero) }
            })
        },
        PlantedBug("balances list what is zero", caughtBy: "XC-01.balances") {
            Hooks(balances: { base throws(BrokerError) in try await base.balances() + [Balance(asset: "DUST", available: .zero, locked: .zero)] })
        },
        PlantedBug("instruments are the first of a page", caughtBy: "XC-02.instruments") {
            Hooks(instruments: { base throws(BrokerError) in try await base.instruments().filter { $0.symbol != "BTCUSDT" } })
        },
        PlantedBug("server time is remembered", caughtBy: "XC-03.time") {
            let memory = Memory<Timestamp?>(nil)
            return Hooks(serverTime: { base throws(BrokerError) in
                if let known = memory.update({ $0 }) { return known }
                let time = try await base.serverTime()
                memory.update { $0 = time }
                return time
            })
        },
        PlantedBug("server time is our own clock", caughtBy: "XC-03.time") { Hooks(serverTime: { _ in SystemClock().wallTime }) },
    ]
}
