import BrokerContract
import Crypto
import ExchangeContract
import Foundation
import TradingModel

extension BinanceBroker {
    public func place(_ order: NewOrder, within window: SendWindow) async -> PlaceOutcome {
        await place(order.clientOrderID, within: window) { () throws(BinanceOrderRequest.Refusal) in
            guard order.bracket == nil || self.capabilities.canBracket else {
                throw .init(reason: .unsupported, message: "\(self.dialect.name) takes no attached orders")
            }
            let rules = try self.rules(for: order.symbol)
            return self.dialect.product == .spot
                ? try BinanceOrderRequest(order, rules: rules)
                : try BinanceOrderRequest(futures: order, rules: rules, path: self.dialect.paths.order)
        }
    }

    public func place(_ order: QuoteSizedOrder, within window: SendWindow) async -> PlaceOutcome {
        await place(order.clientOrderID, within: window) { () throws(BinanceOrderRequest.Refusal) in
            guard self.dialect.product == .spot else {
                throw .init(reason: .unsupported, message: "futures orders are sized in base units")
            }
            _ = try self.rules(for: order.symbol)
            return try BinanceOrderRequest(order)
        }
    }

    public func placeExitPair(_ pair: ExitPair, within window: SendWindow) async -> PlaceOutcome {
        await place(pair.id, within: window) { () throws(BinanceOrderRequest.Refusal) in
            guard self.capabilities.canPlaceExitPair else {
                throw .init(reason: .unsupported, message: "\(self.dialect.name) takes no exit pairs")
            }
            return try BinanceOrderRequest(pair, rules: try self.rules(for: pair.symbol))
        }
    }

    public func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome {
        var parameters: BinanceParameters = ["symbol": order.symbol.rawValue, "origClientOrderId": order.clientOrderID.rawValue]
        if dialect.product == .spot { parameters.add("newClientOrderId", Self.cancelID(of: order.clientOrderID)) }
        let result = await client.command(
            .delete, dialect.paths.order, parameters, costs: [BinanceDialect.Scope.weight: 1], priority: .urgent, within: window)
        switch result {
        case .replied(let reply): return BinanceOutcomes.cancel(reply, for: order, refusals: dialect.refusals)
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    /// A cancel has an id of its own at this venue. This one cannot be the id of an order of ours, and a repeat uses it again.
    static func cancelID(of id: ClientOrderID) -> String { derivedID("cxl-", of: id) }

    /// So has a list.
    static func listID(of id: ClientOrderID) -> String { derivedID("lst-", of: id) }

    private static func derivedID(_ prefix: String, of id: ClientOrderID) -> String {
        let digest = SHA256.hash(data: Data(id.rawValue.utf8)).prefix(14)
        return prefix + digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private func place(
        _ id: ClientOrderID, within window: SendWindow, making make: () throws(BinanceOrderRequest.Refusal) -> BinanceOrderRequest
    ) async -> PlaceOutcome {
        let request: BinanceOrderRequest
        do { request = try make() } catch {
            return .notSent(error.reason, Evidence(mayHaveLeft: false, message: error.message))
        }
        guard state.withLock({ $0.placing.insert(id).inserted }) else {
            return .notSent(.alreadyPlacing, Evidence(mayHaveLeft: false))
        }
        defer { state.withLock { _ = $0.placing.remove(id) } }
        let result = await client.command(
            .post, request.path, request.parameters,
            costs: [BinanceDialect.Scope.weight: 1, BinanceDialect.Scope.orders: 1 + request.legs.count], priority: .normal, within: window)
        switch result {
        case .replied(let reply): return BinanceOutcomes.place(reply, for: request, refusals: dialect.refusals)
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    func rules(for symbol: Symbol) throws(BinanceOrderRequest.Refusal) -> BinanceSymbolRules {
        let (rules, isLoaded) = state.withLock { ($0.rules[symbol], $0.rulesReadAt != nil) }
        guard isLoaded else { throw .init(reason: .notConnected, message: "the instrument rules are not loaded yet") }
        guard let rules else { throw .init(reason: .invalid, message: "the venue does not list \(symbol)") }
        return rules
    }
}
