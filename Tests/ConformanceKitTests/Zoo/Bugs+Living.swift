import BrokerContract
import ConformanceKit
import ExchangeContract
import TradingModel

extension PlantedBug {
    /// Bugs of birth, clock, rules and limits.
    static let living: [PlantedBug] = [
        PlantedBug("connects while it is made", caughtBy: "BC-17.no-io") {
            Hooks(atBirth: { base in Task { _ = try? await base.serverTime() } })
        },
        PlantedBug("run() gives up on a venue that is not there yet", caughtBy: "BC-01.late-venue") {
            Hooks(beforeRun: { base throws(BrokerError) in _ = try await base.serverTime() })
        },
        PlantedBug("waits by a clock of its own", caughtBy: "BC-19.own-time") {
            Hooks(wiring: { wiring in
                var wiring = wiring
                let context = wiring.context
                wiring.context = BrokerContext(
                    account: context.account, mode: context.mode, clock: SystemClock(), logger: context.logger,
                    stateDirectory: context.stateDirectory)
                return wiring
            })
        },
        PlantedBug("a symbol that is not listed is unavailable", caughtBy: "BC-03.not-listed") {
            Hooks(instrument: { base, symbol throws(BrokerError) in
                do throws(BrokerError) { return try await base.instrument(symbol) } catch {
                    throw BrokerError(.unavailable, effect: .notSent, error.message)
                }
            })
        },
        PlantedBug("rules are made up", caughtBy: "BC-03.listed") {
            Hooks(instrument: { _, symbol throws(BrokerError) in
                Instrument(symbol: symbol, base: "BTC", quote: "USDT", tickSize: 1, lotSize: 1)
            })
        },
        PlantedBug("cancels wait like placements", caughtBy: "BC-16.cancels-overtake") {
            let placed = Memory(0)
            return Hooks(
                place: { base, order, window in
                    placed.update { $0 += 1 }
                    return await base.place(order, within: window)
                },
                cancel: { base, order, window in
                    guard placed.update({ $0 }) < 10 else { return .notSent(.throttled, Evidence(mayHaveLeft: false)) }
                    return await base.cancel(order, within: window)
                })
        },
    ]
}
