import Foundation
import SimulatorKit
import TradingModel

/// A take profit and a stop loss that are attached to an entry.
struct AttachedBracket: Sendable {
    let takeProfit: Price
    let stopLoss: Price

    /// As the entry tells it: the size is that of what the entry will have filled.
    var json: JSONValue { json(size: nil) }

    func json(size: Quantity?) -> JSONValue {
        let prices: [JSONValue.Member] = [
            .init("limit_price", .string(takeProfit.description)), .init("stop_trigger_price", .string(stopLoss.description)),
        ]
        let base = size.map { [JSONValue.Member("base_size", .string($0.description))] } ?? []
        return .object(["trigger_bracket_gtc": .object(base + prices)])
    }

    /// Whether the stop is reached, for the side that closes the entry.
    func isTriggered(_ side: Side, at price: Price) -> Bool { side == .sell ? price <= stopLoss : price >= stopLoss }
}

/// Brackets: one order `trigger_bracket_gtc` that rests at the target, and at its stop becomes a limit order 5 % beyond it.
extension CoinbaseEngine {
    /// The venue's id of an order of the exchange.
    func id(of order: Int64) -> String { state.withLock { $0.details[order]?.entry }.map(CoinbaseIDs.attached) ?? CoinbaseIDs.text(order) }

    /// The exchange's number of an order that there is.
    func number(_ text: String) -> Int64? {
        if let number = CoinbaseIDs.order(text) { return number }
        return CoinbaseIDs.entry(ofAttached: text).flatMap { entry in state.withLock { $0.attached[entry] } }
    }

    /// The id of what is attached to an order, told from the beginning; empty if nothing is.
    func attachedID(of entry: Int64) -> String {
        state.withLock { $0.details[entry]?.attached } == nil ? "" : CoinbaseIDs.attached(to: entry)
    }

    /// Takes a waiting bracket from its entry. False if it works already, or if there is none.
    func detach(_ entry: Int64) -> Bool {
        state.withLock { state in
            guard state.waiting.removeValue(forKey: entry) != nil else { return false }
            state.details[entry]?.attached = nil
            return true
        }
    }

    /// Places the bracket of every entry that has ended with a fill, and triggers the stops that the price has reached.
    func guardBrackets() {
        for (entry, bracket) in state.withLock({ $0.waiting }) {
            guard let order = exchange.read({ core in core.order(entry) }), order.status.isTerminal else { continue }
            place(bracket, of: order)
        }
        for (id, bracket) in state.withLock({ $0.guarding }) {
            let (order, price) = exchange.read { core in
                let order = core.order(id)
                return (order, order.flatMap { core.prices[$0.symbol] })
            }
            guard let order, let price, order.status.isTerminal || bracket.isTriggered(order.side, at: price) else { continue }
            // Claimed, because several tasks look after brackets.
            guard state.withLock({ $0.guarding.removeValue(forKey: id) }) != nil, !order.status.isTerminal else { continue }
            let terms = Amendment(quantity: order.quantity, limitPrice: beyond(bracket.stopLoss, order.side, order.symbol))
            _ = try? exchange.amend(id, account: order.account, to: terms)
        }
    }

    private func place(_ bracket: AttachedBracket, of entry: SimulatedOrder) {
        let request = OrderRequest(
            account: entry.account, clientOrderID: CoinbaseIDs.attachedClient(of: entry.id), symbol: entry.symbol, side: entry.side.opposite,
            kind: .limit, quantity: entry.filledQuantity, limitPrice: bracket.takeProfit)
        // Held over the call, so that whoever hears of the order knows it as a bracket.
        state.withLock { state in
            guard state.waiting.removeValue(forKey: entry.id) != nil, entry.filledQuantity > 0,
                let id = (try? exchange.place(request))?.first?.order.id
            else { return }
            state.details[id] = Details(configuration: bracket.json(size: entry.filledQuantity), entry: entry.id)
            state.guarding[id] = bracket
            state.attached[entry.id] = id
        }
    }

    private func beyond(_ trigger: Price, _ side: Side, _ symbol: Symbol) -> Price {
        let twentieth = trigger.value / Decimal(20)
        let tick = market(symbol)?.instrument.tickSize ?? .zero
        return side == .sell
            ? Price(trigger.value - twentieth).rounded(.down, to: tick) : Price(trigger.value + twentieth).rounded(.up, to: tick)
    }
}
