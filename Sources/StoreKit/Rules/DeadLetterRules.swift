import StoreContract
import TradingModel

/// What a person's decision does to an order that kept killing its workers, the same in every store.
public enum DeadLetterRules {
    /// The orders as they end: the dead letter first, then its legs.
    public static func discard(
        _ order: OrderRecord, legs: [OrderRecord], by actor: String, reason: String, at: Timestamp
    ) throws(StoreError) -> [OrderRecord] {
        guard PermitRules.permittable.contains(order.state) else {
            throw .refused("order \(order.id) is \(order.state.rawValue), neither queued nor absent")
        }
        return try PermitRules.close(
            order, legs: legs, as: order.attempts == 0 ? .blocked : .abandoned, reason: "discarded", detail: "\(actor): \(reason)", at: at)
    }
}

extension JournalDraft {
    public static func deadLetter(_ letter: DeadLetter) -> JournalDraft {
        var data = JournalData()
        data.add("crashes", Int64(letter.crashes.count))
        data.add("fences", letter.crashes.map(\.fence.description))
        data.add("gateways", letter.crashes.map(\.holder.gateway))
        return letter.order.line("order.dead_letter", data.json())
    }

    public static func decided(_ order: OrderRecord, _ decision: DeadLetterDecision, by actor: String, reason: String) -> JournalDraft {
        var data = JournalData()
        data.add("decision", decision.rawValue)
        data.add("actor", actor)
        data.add("reason", reason)
        return order.line("order.dead_letter_decided", data.json())
    }
}
