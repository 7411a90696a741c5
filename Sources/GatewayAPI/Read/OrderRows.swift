import StoreContract
import TradingModel

extension OrderRecord {
    /// The order as the API shows it. Until the first permit has fixed `quantity`, it is what was asked for.
    var object: JSONObject {
        var row = JSONObject()
        row.add("id", id)
        row.add("signal_id", signalID)
        row.add("client_order_id", clientOrderID)
        row.add("account", account)
        row.add("strategy", strategy)
        row.add("leg", number: leg)
        row.add("symbol", symbol)
        row.add("signal_symbol", signalSymbol)
        row.add("side", side.rawValue)
        row.add("type", type.rawValue)
        row.add("time_in_force", timeInForce.rawValue)
        row.add("requested_quantity", requestedQuantity)
        row.add("quantity", quantity ?? requestedQuantity)
        row.add("limit_price", limitPrice)
        row.add("stop_price", stopPrice)
        row.add("reference_price", referencePrice)
        row.add("reduce_only", flag: reduceOnly)
        row.add("stop_loss", bracket?.stopLoss ?? intent?.stopLoss)
        row.add("take_profit", bracket?.takeProfit)
        row.add("intent", kind.rawValue)
        row.add("purpose", purpose.rawValue)
        row.add("episode", intent?.episode)
        row.add("role", bracketRole?.rawValue)
        row.add("entry_id", entryID)
        row.add("filled_quantity", filledQuantity)
        row.add("average_price", averagePrice)
        row.add("status", state.rawValue)
        row.add("terminal", flag: state.isTerminal)
        row.add("reason", reason)
        row.add("detail", detail)
        row.add("venue_order_id", venueOrderID)
        row.add("venue_status", venueStatus)
        row.add("attempt_count", number: attempts)
        row.add("version", number: version)
        row.add("request_id", requestID)
        row.add("created_at", createdAt)
        row.add("updated_at", updatedAt)
        row.add("filled_at", filledAt)
        row.add("expires_at", expiresAt)
        return row
    }

    var row: String { object.json }
}

extension AttemptRecord {
    var row: String {
        var row = JSONObject()
        row.add("number", number: number)
        row.add("fence", fence)
        row.add("gateway", holder.gateway)
        row.add("host", holder.host)
        row.add("process_id", number: holder.processID)
        row.add("permitted_at", permittedAt)
        row.add("not_after", notAfter)
        row.add("order_hash", orderHash)
        row.add("outcome", outcome)
        row.add("evidence", json: evidence)
        row.add("ended_at", endedAt)
        return row.json
    }
}

extension Fill {
    var row: String {
        var row = JSONObject()
        row.add("execution_id", executionID)
        row.add("venue_order_id", venueOrderID)
        row.add("symbol", symbol)
        row.add("side", side.rawValue)
        row.add("quantity", quantity)
        row.add("price", price)
        row.add("fee", fee)
        row.add("fee_asset", feeAsset)
        row.add("executed_at", executedAt)
        return row.json
    }
}

extension PositionRecord {
    func row(_ episode: EpisodeRecord?) -> String {
        var row = JSONObject()
        row.add("account", account)
        row.add("symbol", symbol)
        row.add("quantity", quantity)
        row.add("average_price", averagePrice)
        row.add("realized_profit", realizedProfit)
        row.add("updated_at", updatedAt)
        row.add("episode", json: episode?.row)
        return row.json
    }
}

extension EpisodeRecord {
    var row: String {
        var row = JSONObject()
        row.add("id", id)
        row.add("state", state.rawValue)
        row.add("side", side.rawValue)
        row.add("strategy", strategy)
        row.add("signal_id", signalID)
        row.add("entry_id", entryID)
        row.add("stop_loss", stopLoss)
        row.add("managed", flag: protection != nil)
        row.add("unprotected_since", unprotectedSince)
        row.add("rolling_back", flag: isRollingBack)
        row.add("opened_at", openedAt)
        row.add("updated_at", updatedAt)
        return row.json
    }
}
