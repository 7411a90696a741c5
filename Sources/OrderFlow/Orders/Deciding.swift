import BrokerContract
import StoreContract
import TradingModel

/// What a person decides about a parked order.
public enum ParkedDecision: String, Sendable, Hashable, Codable, CaseIterable {
    /// What the venue shows is this order, also where it differs from the record.
    case adopt
    /// It is not at the venue, or not to be looked after any more; it ends `abandoned`.
    case abandon
    /// It is not at the venue: it is absent from now on and sent again under a new permit, if its age and the guards allow.
    case resend
}

/// What a person's decision does to a parked order. Pure; runs inside the store's transaction on the order as it is then.
///
/// What the venue answered at that moment is an argument, because a decision that the venue's own record contradicts is refused.
public enum Deciding {
    /// Who decides, for the journal; no secrets.
    public struct Operator: Sendable, Hashable {
        public let actor: String
        public let reason: String
        public init(actor: String, reason: String) {
            self.actor = actor
            self.reason = reason
        }
    }

    /// What the venue says about the order when the decision is made.
    public enum VenueAnswer: Sendable {
        case found(OrderReport, fills: [Fill])
        /// `complete` as in ``LookupResult/notFound(complete:_:)``: not every venue can prove that an order does not exist.
        case notFound(complete: Bool)
        case noAnswer(String)

        var word: String {
            switch self {
            case .found(let report, _): "found as \(report.venueOrderID), \(report.venueStatus)"
            case .notFound(let complete): complete ? "not found" : "not found, which this venue's lists cannot prove"
            case .noAnswer(let why): "no answer: \(why)"
            }
        }
    }

    /// Why the decision cannot be carried out, in a sentence; nil if it can.
    public static func objection(_ decision: ParkedDecision, to order: OrderRecord, _ answer: VenueAnswer) -> String? {
        guard order.state == .parked else { return "the order is \(order.state.rawValue), not parked" }
        switch (decision, answer) {
        case (.adopt, .found(let report, _)):
            if report.symbol != order.symbol || report.side != order.side {
                return "the venue's order \(report.venueOrderID) is \(report.side.rawValue) \(report.symbol), not \(order.side.rawValue) \(order.symbol)"
            }
            // While it is open, each look at it would contradict the record again.
            return order.reason == foreign && !report.status.isTerminal
                ? "the venue's order \(report.venueOrderID) differs from the record and is open; end it at the venue, then adopt what it did" : nil
        case (.adopt, .notFound), (.adopt, .noAnswer): return "the venue does not show the order (\(answer.word)); nothing can be adopted"
        case (.resend, .found(let report, _)): return "the venue has it as \(report.venueOrderID); adopt it"
        case (.resend, .noAnswer): return "the venue does not say that it has no such order (\(answer.word)); ask again later"
        case (.resend, .notFound), (.abandon, .notFound), (.abandon, .noAnswer):
            return order.filledQuantity.isZero ? nil : "\(order.filledQuantity) of it are filled; it can only be adopted"
        case (.abandon, .found(let report, _)):
            return order.reason == foreign && order.filledQuantity.isZero ? nil : "the venue has it as \(report.venueOrderID); adopt it"
        }
    }

    /// The reason under which an order is parked whose id names something else at the venue.
    public static let foreign = "foreign_order"

    /// The change; nil if there is an objection by now.
    public static func change(
        _ decision: ParkedDecision, of snapshot: OrderSnapshot, _ answer: VenueAnswer, by person: Operator, base: Asset?, at now: Timestamp
    ) -> OrderChange? {
        guard objection(decision, to: snapshot.order, answer) == nil else { return nil }
        let detail = "\(decision.rawValue) decided by \(person.actor): \(person.reason)"
        let change: OrderChange?
        switch (decision, answer) {
        case (.adopt, .found(let report, let fills)):
            change = OrderReducer.adoption(report, fills: fills, of: snapshot, base: base, at: now)
        case (.adopt, _): return nil
        case (.abandon, _):
            change = OrderReducer.move(snapshot, to: .abandoned, reason: "abandoned_by_operator", detail: detail, at: now)
        case (.resend, _):
            change = OrderReducer.move(snapshot, to: .absent, reason: "released_by_operator", detail: detail, at: now)
        }
        guard var change, change.order.state != .parked else { return nil }
        let audited: [JSONValue.Member] = [
            .init("decision", .string(decision.rawValue)), .init("actor", .string(person.actor)), .init("why", .string(person.reason)),
            .init("venue_answer", .string(answer.word)),
        ]
        change.journal.insert(OrderJournal.line(snapshot.order, type: "order.decided", extra: audited), at: 0)
        return change
    }
}
