import BrokerContract
import ExchangeContract
import Synchronization
import TradingModel

/// Something that a bug remembers.
final class Memory<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func update<T: Sendable>(_ body: (inout Value) -> T) -> T { value.withLock { body(&$0) } }
}

extension PlantedBug {
    private static func lookup(_ name: String, caughtBy owner: String, _ change: @escaping @Sendable (LookupResult) -> LookupResult) -> PlantedBug {
        PlantedBug(name, caughtBy: owner) { Hooks(lookup: { base, order in change(await base.lookup(order)) }) }
    }

    static let finding: [PlantedBug] = [
        lookup("a lookup's error becomes not found", caughtBy: "BC-10.lookup.status-503-before") { result in
            if case .indeterminate(_, let evidence) = result { .notFound(complete: true, evidence) } else { result }
        },
        lookup("a lookup's unknown 4xx becomes not found", caughtBy: "BC-10.lookup.unlisted-400") { result in
            if case .indeterminate(.unlistedRefusal, let evidence) = result { .notFound(complete: true, evidence) } else { result }
        },
        lookup("a lookup of open orders only claims to be complete", caughtBy: "BC-10.cancelled") { result in
            if case .found(let report) = result, report.status.isTerminal { .notFound(complete: true, Evidence(mayHaveLeft: true)) } else { result }
        },
        lookup("a complete answer is told as partial", caughtBy: "BC-10.never-sent") { result in
            if case .notFound(_, let evidence) = result { .notFound(complete: false, evidence) } else { result }
        },
        lookup("the average price is the limit price", caughtBy: "BC-10.filled") { result in
            if case .found(let report) = result { .found(report.with(averagePrice: report.limitPrice)) } else { result }
        },
        PlantedBug("a found order is remembered", caughtBy: "BC-10.fresh") {
            let memory = Memory<[ClientOrderID: LookupResult]>([:])
            return Hooks(lookup: { base, order in
                if let known = memory.update({ $0[order.clientOrderID] }) { return known }
                let result = await base.lookup(order)
                if case .found = result { memory.update { $0[order.clientOrderID] = result } }
                return result
            })
        },
        PlantedBug("an absence is remembered", caughtBy: "BC-10.surfaces-late") {
            let memory = Memory<[ClientOrderID: LookupResult]>([:])
            return Hooks(lookup: { base, order in
                if let known = memory.update({ $0[order.clientOrderID] }) { return known }
                let result = await base.lookup(order)
                if case .notFound = result { memory.update { $0[order.clientOrderID] = result } }
                return result
            })
        },
        PlantedBug("a part of the open orders passes for all", caughtBy: "BC-11.whole") {
            Hooks(openOrders: { base throws(BrokerError) in Array(try await base.openOrders().prefix(2)) })
        },
        PlantedBug("open orders of one symbol pass for all", caughtBy: "BC-11.symbols") {
            Hooks(openOrders: { base throws(BrokerError) in try await base.openOrders().filter { $0.symbol == "BTCUSDT" } })
        },
        PlantedBug("open orders that could not be read are none", caughtBy: "BC-11.open-orders.status-503-before") {
            Hooks(openOrders: { base throws(BrokerError) in (try? await base.openOrders()) ?? [] })
        },
        PlantedBug("the history ignores its beginning", caughtBy: "BC-12.since") {
            Hooks(history: { base, symbol, _ throws(BrokerError) in
                try await base.orderHistory(symbol, since: SystemClock().wallTime - .seconds(3600))
            })
        },
        PlantedBug("the history leaves closed orders out", caughtBy: "BC-12.whole") {
            Hooks(history: { base, symbol, since throws(BrokerError) in
                try await base.orderHistory(symbol, since: since).filter { !$0.status.isTerminal }
            })
        },
        PlantedBug("the first page of the history passes for all", caughtBy: "BC-12.pages") {
            Hooks(history: { base, symbol, since throws(BrokerError) in Array(try await base.orderHistory(symbol, since: since).prefix(1000)) })
        },
        PlantedBug("a history that could not be read is empty", caughtBy: "BC-12.history.giant") {
            Hooks(history: { base, symbol, since throws(BrokerError) in (try? await base.orderHistory(symbol, since: since)) ?? [] })
        },
    ]
}
