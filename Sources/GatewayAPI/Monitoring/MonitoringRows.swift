import Gateway
import LockContract
import StoreContract
import TradingModel

extension AccountLock {
    /// Durations in seconds with milliseconds.
    var row: String {
        var row = JSONObject()
        row.add("account", account)
        row.add("resource", status.resource)
        row.add("holder", json: status.holder?.row)
        row.add("owner", status.ownerPrefix)
        row.add("fence", status.fence)
        row.add("age", json: status.age?.secondsText)
        row.add("remaining", json: status.remaining?.secondsText)
        row.add("waiters", number: status.waiters)
        row.add("tenure", json: tenure?.row)
        return row.json
    }
}

extension HolderIdentity {
    var row: String {
        var row = JSONObject()
        row.add("gateway", gateway)
        row.add("host", host)
        row.add("process_id", number: processID)
        row.add("purpose", purpose)
        return row.json
    }
}

extension WorkerRecord {
    var row: String {
        var row = JSONObject()
        row.add("gateway", holder.gateway)
        row.add("host", holder.host)
        row.add("process_id", number: holder.processID)
        row.add("state", stoppedAt != nil ? "stopped" : isLive ? "live" : "dead")
        row.add("silence", json: silence.secondsText)
        row.add("program_version", programVersion)
        row.add("schema_version", number: schemaVersion)
        row.add("configuration_hash", configurationHash)
        row.add("started_at", startedAt)
        row.add("stopped_at", stoppedAt)
        return row.json
    }
}

extension PoolGauges {
    var row: String {
        var row = JSONObject()
        row.add("name", name)
        row.add("size", number: size)
        row.add("idle", number: idle)
        row.add("in_use", number: inUse)
        row.add("waiting", number: waiting)
        row.add("opened", number: opened)
        row.add("failures", number: failures)
        row.add("timeouts", number: timeouts)
        return row.json
    }
}

extension AccountQueue {
    func row(at now: Timestamp) -> String {
        var row = JSONObject()
        row.add("account", account)
        row.add("depth", number: waiting)
        row.add("dead_letters", number: deadLetters)
        row.add("age", json: max(now - oldestCreatedAt, .zero).secondsText)
        row.add("oldest_created_at", oldestCreatedAt)
        return row.json
    }
}

extension DeadLetter {
    var row: String {
        var row = JSONObject()
        row.add("order", json: order.row)
        row.add("since", since)
        row.add("crashes", list: crashes.map(\.row))
        return row.json
    }
}

extension DeadLetter.Crash {
    fileprivate var row: String {
        var row = JSONObject()
        row.add("at", at)
        row.add("fence", fence)
        row.add("gateway", holder.gateway)
        row.add("host", holder.host)
        row.add("process_id", number: holder.processID)
        return row.json
    }
}

extension CompensationStep {
    var row: String {
        var row = JSONObject()
        row.add("id", id)
        row.add("episode", episode)
        row.add("account", account)
        row.add("symbol", symbol)
        row.add("kind", kind.rawValue)
        row.add("state", state.rawValue)
        row.add("attempts", number: attempts)
        row.add("order_id", orderID)
        row.add("detail", detail)
        row.add("next_at", nextAt)
        row.add("created_at", createdAt)
        row.add("updated_at", updatedAt)
        return row.json
    }
}

extension Duration {
    /// Seconds with three decimals, as a JSON number.
    fileprivate var secondsText: String {
        let milliseconds = wholeMilliseconds
        let rest = String(milliseconds.magnitude % 1000)
        return "\(milliseconds < 0 ? "-" : "")\(milliseconds.magnitude / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }
}
