import LockContract
import StoreContract
import TradingModel

// The lines that a store writes by itself, the same in every store.

extension JournalDraft {
    public static func received(_ signal: SignalRecord) -> JournalDraft {
        var data = JournalData()
        data.add("source", signal.source.rawValue)
        data.add("verdict", signal.verdict.rawValue)
        data.add("strategy", signal.strategy?.rawValue)
        data.add("occurrence", Int64(signal.occurrence))
        data.add("request_id", signal.requestID)
        return JournalDraft(type: "signal.received", signalID: signal.id, data: data.json())
    }

    public static func copy(of first: SignalID, requestID: String) -> JournalDraft {
        var data = JournalData()
        data.add("request_id", requestID)
        return JournalDraft(type: "signal.duplicate", signalID: first, data: data.json())
    }

    /// `requestedQuantity` is the quantity's text, which is not cheap to make.
    public static func admitted(_ order: OrderRecord, requestedQuantity: String) -> JournalDraft {
        var data = JournalData()
        data.add("strategy", order.strategy.rawValue)
        data.add("symbol", order.symbol.rawValue)
        data.add("side", order.side.rawValue)
        data.add("type", order.type.rawValue)
        data.add("requested_quantity", requestedQuantity)
        data.add("client_order_id", order.clientOrderID.rawValue)
        data.add("role", order.bracketRole?.rawValue)
        data.add("entry_id", order.entryID?.rawValue)
        data.add("stop_loss", order.bracket?.stopLoss?.description)
        data.add("take_profit", order.bracket?.takeProfit?.description)
        data.add("reason", order.reason)
        return order.line("order.\(order.state.rawValue)", data.json())
    }

    public static func permitted(_ order: OrderRecord, _ attempt: AttemptRecord, quantity: Quantity, notes: [String]) -> JournalDraft {
        var data = JournalData()
        data.add("attempt", Int64(attempt.number))
        data.add("fence", attempt.fence.description)
        data.add("quantity", quantity.description)
        data.add("not_after", attempt.notAfter.description)
        data.add("order_hash", attempt.orderHash)
        data.add("notes", notes)
        return order.line("order.permitted", data.json())
    }

    /// The line of a leg, which is permitted with its entry.
    public static func permitted(leg: OrderRecord, _ attempt: AttemptRecord, quantity: Quantity) -> JournalDraft {
        var data = JournalData()
        data.add("attempt", Int64(attempt.number))
        data.add("role", leg.bracketRole?.rawValue)
        data.add("entry_id", leg.entryID?.rawValue)
        data.add("quantity", quantity.description)
        return leg.line("order.permitted", data.json())
    }

    public static func closed(_ order: OrderRecord) -> JournalDraft {
        var data = JournalData()
        data.add("reason", order.reason)
        data.add("detail", order.detail)
        return order.line("order.\(order.state.rawValue)", data.json())
    }

    public static func opened(_ request: TenureRequest, fence: FencingToken) -> JournalDraft {
        var data = JournalData()
        data.add("fence", fence.description)
        data.add("lease_fence", request.leaseFence.description)
        data.add("owner", request.owner.prefix)
        data.add("gateway", request.holder.gateway)
        data.add("host", request.holder.host)
        data.add("process_id", Int64(request.holder.processID))
        data.add("configuration_hash", request.configurationHash)
        return JournalDraft(type: "tenure.opened", account: request.account, data: data.json())
    }

    public static func closed(_ tenure: Tenure) -> JournalDraft {
        var data = JournalData()
        data.add("fence", tenure.fence.description)
        return JournalDraft(type: "tenure.closed", account: tenure.account, data: data.json())
    }

    public static func raised(_ alert: AlertDraft, count: Int64) -> JournalDraft {
        var data = JournalData()
        data.add("type", alert.type)
        data.add("severity", alert.severity.rawValue)
        data.add("subject", alert.subject)
        data.add("message", alert.message)
        data.add("count", count)
        return JournalDraft(type: "alert.raised", data: data.json())
    }

    public static func resolvedAlert(type: String, subject: String) -> JournalDraft {
        var data = JournalData()
        data.add("type", type)
        data.add("subject", subject)
        return JournalDraft(type: "alert.resolved", data: data.json())
    }
}

extension OrderRecord {
    /// A line about this order.
    public func line(_ type: String, _ json: String) -> JournalDraft {
        JournalDraft(type: type, signalID: signalID, orderID: id, account: account, data: json)
    }
}
