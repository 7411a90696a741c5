import Gateway
import StoreContract
import TradingModel

extension OrderSync {
    var row: String {
        var row = JSONObject()
        row.add("order_id", order.id)
        row.add("account", order.account)
        row.add("client_order_id", order.clientOrderID)
        row.add("old_status", before.rawValue)
        row.add("new_status", order.state.rawValue)
        row.add("venue_answer", answer.word)
        row.add("venue_status", venueStatus)
        row.add("venue_order_id", order.venueOrderID)
        row.add("filled_quantity", order.filledQuantity)
        row.add("average_price", order.averagePrice)
        row.add("synced_at", at)
        return row.json
    }

    private var venueStatus: String? { if case .found(let report) = answer { report.venueStatus } else { nil } }
}

extension ReconciliationReport {
    var row: String {
        var row = JSONObject()
        row.add("run", json: run.row)
        row.add("changed", list: changes.map { change in
            var row = JSONObject()
            row.add("order_id", change.order.id)
            row.add("old_status", change.before.rawValue)
            row.add("new_status", change.order.state.rawValue)
            row.add("venue_status", change.order.venueStatus)
            row.add("filled_quantity", change.order.filledQuantity)
            return row.json
        })
        row.add("external_orders", list: external.map(\.row))
        row.add("findings", list: findings.map(\.row))
        return row.json
    }
}

extension ReconciliationRun {
    var row: String {
        var row = JSONObject()
        row.add("account", account)
        row.add("number", number: number)
        row.add("depth", depth.rawValue)
        row.add("trigger", trigger)
        row.add("complete", flag: isComplete)
        row.add("problem", problem)
        row.add("open_orders", number: openOrders)
        row.add("changed_orders", number: changedOrders)
        row.add("external_orders", number: externalOrders)
        row.add("started_at", startedAt)
        row.add("ended_at", endedAt)
        return row.json
    }
}

extension ExternalOrder {
    var row: String {
        var row = JSONObject()
        row.add("account", account)
        row.add("kind", kind.rawValue)
        row.add("symbol", symbol)
        row.add("venue_order_id", venueOrderID)
        row.add("client_order_id", clientOrderID)
        row.add("side", side.rawValue)
        row.add("type", type?.rawValue)
        row.add("quantity", quantity)
        row.add("limit_price", limitPrice)
        row.add("stop_price", stopPrice)
        row.add("filled_quantity", filledQuantity)
        row.add("status", status.rawValue)
        row.add("venue_status", venueStatus)
        row.add("first_seen_at", firstSeenAt)
        row.add("last_seen_at", lastSeenAt)
        return row.json
    }
}

extension DriftFinding {
    var row: String {
        var row = JSONObject()
        row.add("id", id)
        row.add("account", account)
        row.add("kind", kind.rawValue)
        row.add("subject", subject)
        row.add("ledger", ledger)
        row.add("venue", venue)
        row.add("state", state.rawValue)
        row.add("action", action?.rawValue)
        row.add("first_seen_at", firstSeenAt)
        row.add("last_seen_at", lastSeenAt)
        row.add("confirmed_at", confirmedAt)
        row.add("resolved_at", resolvedAt)
        return row.json
    }
}

extension AccountHalt {
    var row: String {
        var row = JSONObject()
        row.add("account", account)
        row.add("cause", cause)
        row.add("detail", detail)
        row.add("since", since)
        row.add("released_at", releasedAt)
        row.add("released_by", releasedBy)
        row.add("release_reason", releaseReason)
        return row.json
    }
}

extension WatchedOrder {
    func row(at now: Timestamp) -> String {
        var row = JSONObject()
        row.add("order_id", order.id)
        row.add("account", order.account)
        row.add("symbol", order.symbol)
        row.add("type", order.type.rawValue)
        row.add("status", order.state.rawValue)
        row.add("venue_order_id", order.venueOrderID)
        row.add("watched_since", now - watchedFor)
        row.add("next_check_at", now + nextCheckIn)
        row.add("checks", number: checks)
        row.add("source", isStreamed ? "stream" : "poll")
        row.add("last_answer", lastAnswer)
        row.add("last_answer_at", lastAnswerAt)
        row.add("stale", flag: isStale)
        return row.json
    }
}
