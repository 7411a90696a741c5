import StoreContract
import TradingModel

/// What a person's decision does to an order that kept killing its workers, the same in every store.
public enum DeadLetterRules {
    /// The orders that end when a dead letter is discarded: itself first, then its legs. None if it has ended meanwhile.
    public static func discard(
        _ order: OrderRecord, legs: [OrderRecord], by actor: String, reason: String, at: Timestamp
    ) throws(StoreError) -> [OrderRecord] {
        guard !order.state.isTerminal else { return [] }
        guard PermitRules.permittable.contains(order.state) else {
            throw .refused("order \(order.id) is \(order.state.rawValue): its attempt has to be settled before it can be discarded")
        }
        let detail = "discarded by \(actor): \(reason)"
        return [PermitRules.ended(order, as: end(of: order), reason: "discarded", detail: detail, at: at)]
            + legs.filter { PermitRules.permittable.contains($0.state) }.map {
                PermitRules.ended($0, as: end(of: $0), reason: "entry_ended", detail: "its entry was \(detail)", at: at)
            }
    }

    private static func end(of order: OrderRecord) -> OrderState { order.attempts == 0 ? .blocked : .abandoned }
}

extension JournalDraft {
    public static func deadLetter(_ letter: DeadLetter) -> JournalDraft {
        var data = JournalData()
        data.add("crashes", Int64(letter.crashes.count))
        return letter.order.line("order.dead_letter", data.json())
    }

    public static func decided(_ order: OrderRecord, _ decision: DeadLetterDecision, by actor: String, reason: String) -> JournalDraft {
        var data = JournalData()
        data.add("actor", actor)
        data.add("reason", reason)
        return order.line("order.dead_letter.\(decision == .replay ? "replayed" : "discarded")", data.json())
    }
}
