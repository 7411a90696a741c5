import TradingModel

/// What an order is for, where that is more than "buy or sell so much". Fixed when the order is stored, as all of an order's intent.
///
/// A plain order of a signal has none: its kind is `delta`, and its requested quantity says how much.
public struct OrderIntent: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// Buy or sell so much.
        case delta
        /// Be at so much. A signal for it makes two orders: the first only makes a position smaller, the second only greater.
        case target
        /// Leave whatever is held.
        case close
    }

    /// Who wants the order.
    public enum Purpose: String, Sendable, Hashable, Codable, CaseIterable {
        case signal
        /// The gateway itself, to protect an episode's position.
        case stopLoss = "stop_loss"
        /// The gateway itself, because a position could not be protected.
        case flatten
    }

    /// A size that becomes a quantity in the permit's transaction.
    public enum Amount: Sendable, Hashable, Codable {
        /// So much quote currency.
        case quote(Notional)
        /// So many percent of the account's equity.
        case equityPercent(Quantity)
    }

    public var kind: Kind
    public var purpose: Purpose
    /// Nil where the requested quantity says it.
    public var amount: Amount?
    /// Of a target: to which side of flat it lies; nil for flat itself.
    public var targetSide: Side?
    /// Another order of the signal, which must have ended, and left no position on the other side, before this one may be sent.
    public var after: OrderID?
    /// Of an order that the gateway made itself: for which episode.
    public var episode: EpisodeID?
    /// Of an entry whose stop the gateway places: where.
    public var stopLoss: Price?

    public init(
        kind: Kind = .delta, purpose: Purpose = .signal, amount: Amount? = nil, targetSide: Side? = nil, after: OrderID? = nil,
        episode: EpisodeID? = nil, stopLoss: Price? = nil
    ) {
        self.kind = kind
        self.purpose = purpose
        self.amount = amount
        self.targetSide = targetSide
        self.after = after
        self.episode = episode
        self.stopLoss = stopLoss
    }
}

extension OrderRecord {
    public var kind: OrderIntent.Kind { intent?.kind ?? .delta }
    public var purpose: OrderIntent.Purpose { intent?.purpose ?? .signal }
    /// The side depends on the position, so that the first permit fixes it, as it fixes the quantity.
    public var sideIsOpen: Bool { reduceOnly && kind != .delta && attempts == 0 }
    /// It closes the position of an episode by itself: a leg of a bracket, or the gateway's own stop.
    public var isProtective: Bool { bracketRole != nil || purpose == .stopLoss }
}

/// How the gateway itself places the stop of an entry, at an account that does not take it with the entry.
public struct ProtectionPolicy: Sendable, Hashable, Codable {
    public enum Failure: String, Sendable, Hashable, Codable, CaseIterable {
        /// What could not be protected in time is sold or bought back.
        case flatten
        /// A person is told; the stop is tried for on and on.
        case alert
    }
    /// How long a position may be without its stop.
    public var stopWithin: Duration
    public var onFailure: Failure
    /// Where a venue takes a stop with a limit only: how many percent beyond the stop the limit lies.
    public var limitOffset: Quantity
    public init(stopWithin: Duration = .seconds(3), onFailure: Failure = .flatten, limitOffset: Quantity = 1) {
        self.stopWithin = stopWithin
        self.onFailure = onFailure
        self.limitOffset = limitOffset
    }
}
