import BrokerContract
import TradingModel

extension AdapterDescription {
    var row: String {
        var row = JSONObject()
        row.add("id", id)
        row.add("name", displayName)
        row.add("default_mode", defaultMode.rawValue)
        row.add("capabilities", json: capabilities.row)
        row.add("semantics", json: semantics.row)
        return row.json
    }
}

extension BrokerCapabilities {
    fileprivate var row: String {
        var row = JSONObject()
        row.add("order_types", list: OrderType.allCases.filter(orderTypes.contains).map(\.rawValue.jsonString))
        row.add("times_in_force", list: TimeInForce.allCases.filter(timesInForce.contains).map(\.rawValue.jsonString))
        row.add("replace", flag: canReplace)
        row.add("repricing", repricing.rawValue)
        row.add("bracket", flag: canBracket)
        row.add("exit_pair", flag: canPlaceExitPair)
        row.add("close_position", flag: canClosePosition)
        row.add("post_only", flag: canPostOnly)
        row.add("reduce_only", flag: canReduceOnly)
        row.add("sell_short", flag: canSellShort)
        row.add("stream", flag: hasStream)
        row.add("positions", flag: hasPositions)
        return row.json
    }
}

extension VenueSemantics {
    fileprivate var row: String {
        var row = JSONObject()
        switch deduplication {
        case .none: row.add("deduplication", "none")
        case .amongOpen: row.add("deduplication", "among_open")
        case .window(let time):
            row.add("deduplication", "window")
            row.add("deduplication_window_ms", number: time.wholeMilliseconds)
        case .forever: row.add("deduplication", "forever")
        }
        switch lookup {
        case .none: row.add("lookup", "none")
        case .openOnly: row.add("lookup", "open_only")
        case .openAndClosed(let retention):
            row.add("lookup", "open_and_closed")
            row.add("lookup_retention_ms", number: retention.wholeMilliseconds)
        }
        row.add("visibility_horizon_ms", number: visibilityHorizon.wholeMilliseconds)
        switch requestExpiry {
        case .none: row.add("request_expiry_ms", json: nil)
        case .enforced(let time): row.add("request_expiry_ms", number: time.wholeMilliseconds)
        }
        row.add("stream", stream.word)
        row.add("fill_key", fillKey.word)
        row.add("cancel_key", cancelKey.word)
        row.add("cancels_on_disconnect", flag: cancelsOnDisconnect)
        row.add("client_order_id_form", clientOrderIDRules.form.rawValue)
        row.add("client_order_id_length", number: clientOrderIDRules.maximumLength)
        return row.json
    }
}

extension VenueSemantics.Stream {
    fileprivate var word: String {
        switch self {
        case .none: "none"
        case .unsequenced: "unsequenced"
        case .sequenced: "sequenced"
        }
    }
}

extension VenueSemantics.FillKey {
    fileprivate var word: String {
        switch self {
        case .none: "none"
        case .venueOrderID: "venue_order_id"
        case .clientOrderID: "client_order_id"
        }
    }
}

extension VenueSemantics.CancelKey {
    fileprivate var word: String {
        switch self {
        case .none: "none"
        case .venueOrderID: "venue_order_id"
        case .clientOrderID: "client_order_id"
        }
    }
}
