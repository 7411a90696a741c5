import BrokerContract
import Foundation
import StoreContract
import TradingModel

/// Turns one signal into the orders of every strategy and account that it concerns.
public struct Planner: Sendable {
    private let strategies: [Strategy]
    private let clientOrderIDRules: [AccountID: ClientOrderIDRules]

    public init(strategies: [Strategy], clientOrderIDRules: [AccountID: ClientOrderIDRules]) {
        self.strategies = strategies
        self.clientOrderIDRules = clientOrderIDRules
    }

    /// What all orders of one signal share.
    public struct Context: Sendable {
        public var signalID: SignalID
        public var source: SourceID
        public var receivedAt: Timestamp
        public var expiresAt: Timestamp
        public var requestID: String
        public init(signalID: SignalID, source: SourceID, receivedAt: Timestamp, expiresAt: Timestamp, requestID: String) {
            self.signalID = signalID
            self.source = source
            self.receivedAt = receivedAt
            self.expiresAt = expiresAt
            self.requestID = requestID
        }
    }

    /// The signal's orders, all of them or a problem (422): an unknown strategy or symbol, or a quantity that is missing.
    public func plan(_ signal: TradeSignal, _ context: Context) throws(PayloadProblem) -> [OrderRecord] {
        let chosen = strategies.filter { $0.source == context.source && (signal.strategy == nil || signal.strategy == $0.id) }
        guard !chosen.isEmpty else {
            throw PayloadProblem(
                "unknown_strategy",
                signal.strategy.map { "no strategy \"\($0.rawValue.prefix(64))\" is driven by this source" } ?? "no strategy is driven by this source",
                pointer: "/strategy", status: 422)
        }
        let concerned = chosen.filter { $0.symbols[signal.symbol] != nil }
        guard !concerned.isEmpty else {
            throw PayloadProblem("unknown_symbol", "no strategy of this source maps the symbol \"\(signal.symbol.prefix(64))\"", pointer: "/symbol", status: 422)
        }
        var orders: [OrderRecord] = []
        for strategy in concerned {
            for account in strategy.accounts {
                guard let symbol = strategy.symbols[signal.symbol]?[account.id], let rules = clientOrderIDRules[account.id] else { continue }
                let entry = OrderRecord(
                    id: Minting.orderID(context.signalID, index: orders.count), signalID: context.signalID, strategy: strategy.id,
                    account: account.id, leg: 0,
                    clientOrderID: Minting.clientOrderID(
                        signal: context.signalID, strategy: strategy.id, account: account.id, leg: 0, rules: rules),
                    symbol: symbol, signalSymbol: signal.symbol, side: signal.side, type: signal.type, timeInForce: signal.timeInForce,
                    requestedQuantity: try requestedQuantity(signal, account.sizing), limitPrice: signal.limitPrice,
                    stopPrice: signal.stopPrice, reduceOnly: false, bracket: signal.bracket, referencePrice: signal.referencePrice, policy: strategy.policy,
                    requestID: context.requestID, createdAt: context.receivedAt, updatedAt: context.receivedAt, expiresAt: context.expiresAt)
                orders.append(entry)
                if let bracket = signal.bracket { orders += legs(of: entry, bracket, from: orders.count) }
            }
        }
        return orders
    }

    /// The orders that the entry's request makes besides it: they close what it opens.
    private func legs(of entry: OrderRecord, _ bracket: Bracket, from index: Int) -> [OrderRecord] {
        bracket.roles.enumerated().map { number, role in
            OrderRecord(
                id: Minting.orderID(entry.signalID, index: index + number), signalID: entry.signalID, strategy: entry.strategy,
                account: entry.account, leg: entry.leg + 1 + number, clientOrderID: entry.clientOrderID.leg(role), symbol: entry.symbol,
                signalSymbol: entry.signalSymbol, side: entry.side.opposite, type: role == .stopLoss ? .stop : .limit, timeInForce: .gtc,
                requestedQuantity: entry.requestedQuantity, limitPrice: role == .takeProfit ? bracket.takeProfit : nil,
                stopPrice: role == .stopLoss ? bracket.stopLoss : nil, reduceOnly: true, bracketRole: role, entryID: entry.id,
                referencePrice: entry.referencePrice, policy: entry.policy, requestID: entry.requestID, createdAt: entry.createdAt,
                updatedAt: entry.updatedAt, expiresAt: entry.expiresAt)
        }
    }

    private func requestedQuantity(_ signal: TradeSignal, _ sizing: Sizing) throws(PayloadProblem) -> Quantity {
        switch sizing {
        case .fixed(let quantity): return quantity
        case .multiply(let factor):
            guard let quantity = signal.quantity else {
                throw PayloadProblem("missing_field", "quantity is missing, and the strategy multiplies it", pointer: "/quantity")
            }
            guard let product = quantity.value.multipliedExactly(by: factor) else {
                throw PayloadProblem("invalid_number", "quantity \(quantity) times the strategy's \(factor) cannot be kept exactly", pointer: "/quantity")
            }
            return Quantity(product)
        }
    }
}
