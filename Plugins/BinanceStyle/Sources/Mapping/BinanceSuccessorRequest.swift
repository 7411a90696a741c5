import BrokerContract
import TradingModel

/// A cancel-replace: the old order is cancelled and another one placed, in this sequence, and the second step may fail.
///
/// `STOP_ON_FAILURE`: nothing is placed when the cancel fails. `ONLY_NEW`: an order that has begun to fill is not cancelled; otherwise what it
/// filled since it was read would come on top of the new order's quantity. Source: rest-api, "Cancel an Existing Order and Send a New
/// Order", commit a5e0bc3.
struct BinanceSuccessorRequest: Sendable {
    static let path = "/api/v3/order/cancelReplace"

    let old: OrderReference
    let successor: ClientOrderID
    let quantity: Quantity
    let side: Side
    let parameters: BinanceParameters

    /// - Parameter current: The old order, as it was read a moment ago.
    init(
        _ old: OrderReference, _ current: BinanceOrderReply, _ report: OrderReport, _ terms: Replacement, successor: ClientOrderID,
        rules: BinanceSymbolRules
    ) throws(BinanceOrderRequest.Refusal) {
        guard report.filledQuantity.isZero else {
            throw .init(reason: .invalid, message: "an order that has fills cannot give way to another one: what it fills in the meantime would come on top")
        }
        guard current.orderListId ?? -1 < 0 else {
            throw .init(reason: .unsupported, message: "to cancel a member of a list ends the whole list")
        }
        guard rules.takesReplacements, let type = current.type, let quantity = terms.quantity ?? report.quantity else {
            throw .init(reason: .unsupported, message: "\(old.symbol) takes no replacements")
        }
        let hasLimit = ["LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT"].contains(type)
        let hasStop = ["STOP_LOSS", "STOP_LOSS_LIMIT"].contains(type)
        guard hasLimit || hasStop else { throw .init(reason: .unsupported, message: "a \(type) order is not replaced") }
        guard terms.limitPrice == nil || hasLimit, terms.stopPrice == nil || hasStop else {
            throw .init(reason: .invalid, message: "a \(type) order has no such price")
        }
        let (limit, stop) = (hasLimit ? terms.limitPrice ?? report.limitPrice : nil, hasStop ? terms.stopPrice ?? report.stopPrice : nil)
        guard quantity > 0, quantity.isMultiple(of: rules.instrument.lotSize) else {
            throw .init(reason: .invalid, message: "quantity \(quantity) is not on the lot \(rules.instrument.lotSize)")
        }
        for price in [limit, stop].compactMap({ $0 }) where price <= 0 || !price.isMultiple(of: rules.instrument.tickSize) {
            throw .init(reason: .invalid, message: "price \(price) is not on the tick \(rules.instrument.tickSize)")
        }
        var parameters: BinanceParameters = [
            "symbol": old.symbol.rawValue, "side": report.side.binance, "type": type, "cancelReplaceMode": "STOP_ON_FAILURE",
            "cancelOrigClientOrderId": old.clientOrderID.rawValue, "cancelNewClientOrderId": BinanceBroker.cancelID(of: old.clientOrderID),
            "cancelRestrictions": "ONLY_NEW",
        ]
        if hasLimit, type != "LIMIT_MAKER" { parameters.add("timeInForce", current.timeInForce ?? "GTC") }
        parameters.add("quantity", quantity.description)
        parameters.add("price", limit?.description)
        parameters.add("stopPrice", stop?.description)
        parameters.add("newClientOrderId", successor.rawValue)
        parameters.add("newOrderRespType", "FULL")
        self.old = old
        self.successor = successor
        self.quantity = quantity
        self.side = report.side
        self.parameters = parameters
    }
}
