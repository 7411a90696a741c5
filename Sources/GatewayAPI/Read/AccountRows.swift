import BrokerContract
import Gateway
import StoreContract
import TradingModel

extension AccountStatus {
    var row: String {
        var row = JSONObject()
        row.add("id", settings.id)
        row.add("broker", settings.broker)
        row.add("mode", settings.mode.rawValue)
        row.add("health", json: health.row)
        row.add("tenure", json: tenure?.row)
        row.add("open_orders", number: openOrders)
        row.add("drift", settings.drift.rawValue)
        row.add("halt", json: halt?.row)
        return row.json
    }
}

extension BrokerHealth {
    fileprivate var row: String {
        var row = JSONObject()
        row.add("connected", flag: isConnected)
        row.add("stream_up", flag: streamIsUp)
        row.add("rules_loaded", flag: rulesAreLoaded)
        row.add("clock_offset_ms", number: clockOffset?.wholeMilliseconds)
        row.add("detail", detail)
        return row.json
    }
}

extension Tenure {
    var row: String {
        var row = JSONObject()
        row.add("fence", fence)
        row.add("gateway", holder.gateway)
        row.add("host", holder.host)
        row.add("process_id", number: holder.processID)
        row.add("opened_at", openedAt)
        return row.json
    }
}
