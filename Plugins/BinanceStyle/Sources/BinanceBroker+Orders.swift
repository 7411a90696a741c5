import BrokerContract
import Crypto
import ExchangeContract
import Foundation
import TradingModel

extension BinanceBroker {
    public func place(_ order: NewOrder, within window: SendWindow) async -> PlaceOutcome {
        await place(order.clientOrderID, within: window) { () throws(BinanceOrderRequest.Refusal) in
            try BinanceOrderRequest(order, instrument: try self.rules(for: order.symbol))
        }
    }

    public func place(_ order: QuoteSizedOrder, within window: SendWindow) async -> PlaceOutcome {
        await place(order.clientOrderID, within: window) { () throws(BinanceOrderRequest.Refusal) in
            _ = try self.rules(for: order.symbol)
            return try BinanceOrderRequest(order)
        }
    }

    public func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome {
        let parameters: BinanceParameters = [
            "symbol": order.symbol.rawValue, "origClientOrderId": order.clientOrderID.rawValue,
            "newClientOrderId": Self.cancelID(of: order.clientOrderID),
        ]
        let result = await client.command(
            .delete, "/api/v3/order", parameters, costs: [BinanceDialect.Scope.weight: 1], priority: .urgent, within: window)
        switch result {
        case .replied(let reply): return BinanceOutcomes.cancel(reply, for: order)
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    /// A cancel has an id of its own at this venue. This one cannot be the id of an order of ours, and a repeat uses it again.
    static func cancelID(of id: ClientOrderID) -> String {
        let digest = SHA256.hash(data: Data(id.rawValue.utf8)).prefix(14)
        return "cxl-" + digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
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
            .post, "/api/v3/order", request.parameters, costs: [BinanceDialect.Scope.weight: 1, BinanceDialect.Scope.orders: 1],
            priority: .normal, within: window)
        switch result {
        case .replied(let reply): return BinanceOutcomes.place(reply, for: request)
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    private func rules(for symbol: Symbol) throws(BinanceOrderRequest.Refusal) -> Instrument {
        let (instrument, isLoaded) = state.withLock { ($0.instruments[symbol], $0.rulesReadAt != nil) }
        guard isLoaded else { throw .init(reason: .notConnected, message: "the instrument rules are not loaded yet") }
        guard let instrument else { throw .init(reason: .invalid, message: "the venue does not list \(symbol)") }
        return instrument
    }
}
