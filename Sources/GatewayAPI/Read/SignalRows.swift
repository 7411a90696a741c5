import StoreContract
import TradingModel

extension SignalRecord {
    /// The signal without its body, as lists show it.
    var object: JSONObject {
        var row = JSONObject()
        row.add("id", id)
        row.add("source", source)
        row.add("strategy", strategy)
        row.add("verdict", verdict.rawValue)
        row.add("dedupe_key", key.hash)
        row.add("dedupe_key_is_explicit", flag: key.isExplicit)
        row.add("occurrence", number: occurrence)
        row.add("copies", number: copies)
        row.add("received_at", receivedAt)
        row.add("fired_at", firedAt)
        row.add("client_address", clientAddress)
        row.add("request_id", requestID)
        row.add("traceparent", traceparent)
        return row
    }

    var row: String { object.json }

    /// What the sender was told; the body as text, because it is kept byte for byte.
    var answerObject: String {
        var answer = JSONObject()
        answer.add("status", number: self.answer.status)
        answer.add("body", self.answer.body)
        return answer.json
    }
}

extension JournalEntry {
    /// The line as JSON without a line break. Its data was written as JSON by the core, where a break can only stand between tokens.
    var row: String {
        var row = JSONObject()
        row.add("sequence", number: sequence)
        row.add("at", at)
        row.add("type", type)
        row.add("signal_id", signalID)
        row.add("order_id", orderID)
        row.add("account", account)
        row.add("data", json: data.isEmpty ? "{}" : data.onOneLine)
        return row.json
    }
}

extension AlertRecord {
    var row: String {
        var row = JSONObject()
        row.add("id", number: id)
        row.add("type", type)
        row.add("severity", severity.rawValue)
        row.add("subject", subject)
        row.add("message", message)
        row.add("count", number: count)
        row.add("first_at", firstAt)
        row.add("last_at", lastAt)
        row.add("resolved_at", resolvedAt)
        return row.json
    }
}

extension String {
    fileprivate var onOneLine: String {
        guard utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) else { return self }
        return String(decoding: utf8.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }, as: UTF8.self)
    }
}
