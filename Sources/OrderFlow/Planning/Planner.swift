import BrokerContract
import Foundation
import StoreContract
import TradingModel

/// Turns one signal into the orders of every strategy and account that it concerns.
public struct Planner: Sendable {
    private let strategies: [Strategy]
    private let clientOrderIDRules: [AccountID: ClientOrderIDRules]
    private let bracketAccounts: Set<AccountID>

    /// - Parameter bracketAccounts: Whose brokers take a stop loss and a take profit with an entry.
    public init(strategies: [Strategy], clientOrderIDRules: [AccountID: ClientOrderIDRules], bracketAccounts: Set<AccountID> = []) {
        self.strategies = strategies
        self.clientOrderIDRules = clientOrderIDRules
        self.bracketAccounts = bracketAccounts
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
                let place = OrderPlace(signal: signal, strategy: strategy, account: account, symbol: symbol, rules: rules, context: context)
                switch signal.kind ?? strategy.intent {
                case .delta: orders += try entry(place, leg: 0, from: orders.count) { _ in }
                case .close: orders.append(try leaving(place, index: orders.count, OrderIntent(kind: .close), quantity: .zero))
                case .target: orders += try target(place, from: orders.count)
                }
            }
        }
        return orders
    }

    /// First the part that only makes a position smaller, then the part that only makes it greater: which of them has something to do, the
    /// position says when their turn comes.
    private func target(_ place: OrderPlace, from index: Int) throws(PayloadProblem) -> [OrderRecord] {
        guard let target = place.signal.target else {
            throw PayloadProblem("missing_field", "the strategy \(place.strategy.id) works by targets, and position is missing", pointer: "/position", status: 422)
        }
        guard let side = target.side else { return [try leaving(place, index: index, OrderIntent(kind: .target), quantity: .zero)] }
        var sized = place
        sized.signal.quantity = target.quantity
        let (quantity, amount) = try sized.size()
        let smaller = try leaving(sized, index: index, OrderIntent(kind: .target, amount: amount, targetSide: side), quantity: quantity)
        guard sized.signal.bracket == nil || sized.signal.side == side else {
            throw PayloadProblem("invalid_bracket", "stop_loss and take_profit belong to a position on the side of the action", pointer: "/position", status: 422)
        }
        sized.signal.side = side
        return [smaller]
            + (try entry(sized, leg: 1, from: index + 1) { order in
                var intent = order.intent ?? OrderIntent()
                intent.kind = .target
                intent.targetSide = side
                intent.after = smaller.id
                order.intent = intent
            })
    }

    /// An order that only makes a position smaller. Its side is a guess until its permit.
    private func leaving(_ place: OrderPlace, index: Int, _ intent: OrderIntent, quantity: Quantity) throws(PayloadProblem) -> OrderRecord {
        guard place.signal.type == .market else {
            throw PayloadProblem("unsupported_type", "a close and a target are market orders", pointer: "/type", status: 422)
        }
        var order = place.order(index: index, leg: 0, quantity: quantity)
        order.side = intent.targetSide ?? .sell
        order.reduceOnly = true
        order.intent = intent
        return order
    }

    /// An order that may open a position, with its legs.
    private func entry(
        _ place: OrderPlace, leg: Int, from index: Int, _ change: (inout OrderRecord) -> Void
    ) throws(PayloadProblem) -> [OrderRecord] {
        let (quantity, amount) = try place.size()
        var order = place.order(index: index, leg: leg, quantity: quantity)
        if let amount { order.intent = OrderIntent(amount: amount) }
        let protection = place.strategy.protection.flatMap { $0.mode == .managed || !bracketAccounts.contains(place.account.id) ? $0.policy : nil }
        if let protection, let stopLoss = place.signal.bracket?.stopLoss {
            guard place.signal.bracket?.takeProfit == nil else {
                throw PayloadProblem(
                    "unsupported_take_profit", "the gateway itself keeps the stops of \(place.strategy.id) at \(place.account.id), and it keeps no targets",
                    pointer: "/take_profit", status: 422)
            }
            var intent = order.intent ?? OrderIntent()
            intent.stopLoss = stopLoss
            order.intent = intent
            order.policy.protection = protection
        } else {
            order.bracket = place.signal.bracket
        }
        change(&order)
        return [order] + (order.bracket.map { legs(of: order, $0, from: index + 1) } ?? [])
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
}
