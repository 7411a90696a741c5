import BrokerContract
import ExchangeContract
import Foundation
import TradingModel

extension PlantedBug {
    private static func telling(_ name: String, caughtBy owner: String, _ change: @escaping @Sendable (BrokerEvent) -> [BrokerEvent]) -> PlantedBug {
        PlantedBug(name, caughtBy: owner) { Hooks(event: change) }
    }

    /// Bugs of the stream and of health.
    static let telling: [PlantedBug] = [
        telling("an execution that is told twice counts twice", caughtBy: "BC-02.duplicate") { event in
            if case .fill(let fill) = event { [.fill(fill.with(id: ExecutionID(UUID().uuidString)))] } else { [event] }
        },
        telling("fills of the stream are dropped", caughtBy: "BC-02.fill") { event in if case .fill = event { [] } else { [event] } },
        telling("a fill is told twice under two ids", caughtBy: "BC-02.fill") { event in
            if case .fill(let fill) = event { [event, .fill(fill.with(id: ExecutionID("\(fill.executionID)-b")))] } else { [event] }
        },
        telling("a fill event has the wrong side", caughtBy: "BC-02.fill") { event in
            if case .fill(let fill) = event { [.fill(fill.with(side: fill.side.opposite))] } else { [event] }
        },
        telling("a cancel is told under the id of the cancel", caughtBy: "BC-02.cancel") { event in
            guard case .order(let report) = event, report.status == .cancelled else { return [event] }
            return [.order(report.with(clientOrderID: "cxl-of-something"))]
        },
        telling("order events are dropped", caughtBy: "BC-02.order") { event in if case .order = event { [] } else { [event] } },
        telling("the end of an order is not told", caughtBy: "BC-02.market-fill") { event in
            if case .order(let report) = event, report.status.isTerminal { [] } else { [event] }
        },
        telling("a lost stream is not told", caughtBy: "BC-02.closed") { event in
            switch event {
            case .gap, .disconnected: []
            case .order, .fill, .connected: [event]
            }
        },
        telling("a dead stream is not told", caughtBy: "BC-02.silent") { event in
            switch event {
            case .gap, .disconnected: []
            case .order, .fill, .connected: [event]
            }
        },
        PlantedBug("connected is told once only", caughtBy: "BC-02.missed") {
            let wasTold = Memory(false)
            return Hooks(event: { event in
                guard event == .connected else { return [event] }
                return wasTold.update { told in
                    defer { told = true }
                    return told ? [] : [event]
                }
            })
        },
        PlantedBug("orders are told before connected", caughtBy: "BC-02.connected") {
            Hooks(event: { event in event == .connected ? [.gap(reason: "starting"), event] : [event] })
        },
        PlantedBug("health is always green", caughtBy: "BC-01.outage") {
            let last = Memory<BrokerHealth?>(nil)
            return Hooks(health: { base in
                let health = await base.health
                return last.update { known in
                    if health.streamIsUp { known = health }
                    return known ?? health
                }
            })
        },
        PlantedBug("health is green before there is a connection", caughtBy: "BC-01.health") {
            Hooks(health: { _ in BrokerHealth(isConnected: true, streamIsUp: true, rulesAreLoaded: true, clockOffset: .zero, detail: "fine") })
        },
        PlantedBug("run() takes its time to end", caughtBy: "BC-01.ends") {
            Hooks(afterRun: { await Task { try? await Task.sleep(for: .seconds(25)) }.value })
        },
    ]
}
