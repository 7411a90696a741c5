import BrokerContract
import StoreContract
import TradingModel

/// The journal lines of orders, which are also the events that subscribers get.
public enum OrderJournal {
    /// `order.<state>` with the order as it stands.
    public static func line(_ order: OrderRecord, type: String? = nil, extra: [JSONValue.Member] = []) -> JournalDraft {
        JournalDraft(
            type: type ?? "order.\(order.state.rawValue)", signalID: order.signalID, orderID: order.id, account: order.account,
            data: JSONValue.object(members(order) + extra).text)
    }

    /// `order.fill` with one execution.
    public static func line(_ fill: Fill, of order: OrderRecord) -> JournalDraft {
        let execution = JSONValue.fields([
            "execution_id": fill.executionID.rawValue, "quantity": fill.quantity.description, "price": fill.price.description,
            "fee": fill.fee?.description, "fee_asset": fill.feeAsset?.rawValue, "executed_at": fill.executedAt.description,
        ])
        return line(order, type: "order.fill", extra: [.init("fill", execution)])
    }

    private static func members(_ order: OrderRecord) -> [JSONValue.Member] {
        guard
            case .object(let members) = JSONValue.fields([
                "id": order.id.rawValue, "signal_id": order.signalID.rawValue, "client_order_id": order.clientOrderID.rawValue,
                "account": order.account.rawValue, "strategy": order.strategy.rawValue, "symbol": order.symbol.rawValue,
                "side": order.side.rawValue, "type": order.type.rawValue, "status": order.state.rawValue,
                "quantity": (order.quantity ?? order.requestedQuantity).description, "filled_quantity": order.filledQuantity.description,
                "average_price": order.averagePrice?.description, "venue_order_id": order.venueOrderID?.rawValue,
                "role": order.bracketRole?.rawValue, "entry_id": order.entryID?.rawValue,
                "stop_loss": order.bracket?.stopLoss?.description, "take_profit": order.bracket?.takeProfit?.description,
                "reason": order.reason, "detail": order.detail, "request_id": order.requestID,
            ])
        else { return [] }
        return members
    }

    /// What was seen on the wire, for the attempt's record.
    public static func text(_ evidence: Evidence, cause: String?) -> String {
        JSONValue.object([
            .init("may_have_left", .bool(evidence.mayHaveLeft)),
            .init("cause", cause.map(JSONValue.string) ?? .null),
            .init("http_status", evidence.httpStatus.map { .number(String($0)) } ?? .null),
            .init("venue_code", evidence.venueCode.map(JSONValue.string) ?? .null),
            .init("message", evidence.message.map(JSONValue.string) ?? .null),
            .init("elapsed_us", evidence.elapsed.map { .number(String($0.wholeMicroseconds)) } ?? .null),
        ]).text
    }
}
