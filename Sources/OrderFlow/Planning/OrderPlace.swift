import BrokerContract
import Foundation
import StoreContract
import TradingModel

/// One strategy's part of one signal at one account.
struct OrderPlace {
    var signal: TradeSignal
    let strategy: Strategy
    let account: Strategy.Account
    let symbol: Symbol
    let rules: ClientOrderIDRules
    let context: Planner.Context

    /// A plain order of the signal's side, type and prices.
    func order(index: Int, leg: Int, quantity: Quantity) -> OrderRecord {
        OrderRecord(
            id: Minting.orderID(context.signalID, index: index), signalID: context.signalID, strategy: strategy.id, account: account.id, leg: leg,
            clientOrderID: Minting.clientOrderID(signal: context.signalID, strategy: strategy.id, account: account.id, leg: leg, rules: rules),
            symbol: symbol, signalSymbol: signal.symbol, side: signal.side, type: signal.type, timeInForce: signal.timeInForce,
            requestedQuantity: quantity, limitPrice: signal.limitPrice, stopPrice: signal.stopPrice, reduceOnly: false,
            referencePrice: signal.referencePrice, policy: strategy.policy, requestID: context.requestID, createdAt: context.receivedAt,
            updatedAt: context.receivedAt, expiresAt: context.expiresAt)
    }

    /// The quantity, or what the permit's transaction makes one of.
    func size() throws(PayloadProblem) -> (Quantity, OrderIntent.Amount?) {
        switch account.sizing {
        case .fixed(let quantity): return (quantity, nil)
        case .multiply(let factor):
            guard let quantity = signal.quantity else {
                throw PayloadProblem("missing_field", "quantity is missing, and the strategy multiplies it", pointer: "/quantity")
            }
            guard let product = quantity.value.multipliedExactly(by: factor) else {
                throw PayloadProblem("invalid_number", "quantity \(quantity) times the strategy's \(factor) cannot be kept exactly", pointer: "/quantity")
            }
            return (Quantity(product), nil)
        case .quote(let amount):
            try needPrice()
            return (.zero, .quote(amount))
        case .equityPercent(let percent):
            try needPrice()
            return (.zero, .equityPercent(percent))
        }
    }

    private func needPrice() throws(PayloadProblem) {
        guard signal.limitPrice ?? signal.referencePrice == nil else { return }
        throw PayloadProblem(
            "missing_field", "price is missing, and \(account.id) is sized in money, which needs the limit price or the price at the alert", pointer: "/price",
            status: 422)
    }
}
