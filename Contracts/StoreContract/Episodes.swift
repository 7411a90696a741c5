import TradingModel

/// One time of being in the market with one instrument, from the first permit of an entry until nothing is held and nothing works.
public struct EpisodeID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// Where an episode stands. Whatever is not terminal is open, for the index that allows one open episode per account and instrument.
public enum EpisodeState: String, Sendable, Hashable, Codable, CaseIterable {
    /// An entry has a permit; it is not known what the venue made of it.
    case pendingEntry = "pending_entry"
    /// The venue has the entry; nothing is filled.
    case entryPlaced = "entry_placed"
    /// Something is held whose stop is not in place.
    case pendingStop = "pending_stop"
    /// Something is held, with its stop where it is to have one.
    case active
    /// An order works that leaves the position, or the position is flat and its stop or target still works.
    case closing

    case closed
    /// Nothing was filled, or what was filled was given back because it could not be protected.
    case rolledBack = "rolled_back"

    public var isTerminal: Bool {
        switch self {
        case .closed, .rolledBack: true
        case .pendingEntry, .entryPlaced, .pendingStop, .active, .closing: false
        }
    }

    /// Predicates in a store negate this list.
    public static let terminal = allCases.filter(\.isTerminal)
}

public struct EpisodeRecord: Sendable, Hashable, Codable {
    public var id: EpisodeID
    public var account: AccountID
    public var symbol: Symbol
    /// `buy` for a long position.
    public var side: Side
    public var state: EpisodeState
    /// The order that opened it, and what that order belongs to.
    public var entryID: OrderID
    public var signalID: SignalID
    public var strategy: StrategyID
    /// Something was filled.
    public var hasTraded: Bool
    /// Where the gateway itself keeps the stop, and by which rules; nil where nobody does or the venue does.
    public var stopLoss: Price?
    public var protection: ProtectionPolicy?
    /// Since when something is held without its stop.
    public var unprotectedSince: Timestamp?
    /// What is held beyond the instrument's step, which no order can sell.
    public var dust: Quantity
    /// The position is being given back.
    public var isRollingBack: Bool
    /// Orders that the gateway has made for it.
    public var ownOrders: Int
    public var openedAt: Timestamp
    public var updatedAt: Timestamp
    public var endedAt: Timestamp?

    public init(
        id: EpisodeID, account: AccountID, symbol: Symbol, side: Side, state: EpisodeState, entryID: OrderID, signalID: SignalID,
        strategy: StrategyID, hasTraded: Bool = false, stopLoss: Price? = nil, protection: ProtectionPolicy? = nil,
        unprotectedSince: Timestamp? = nil, dust: Quantity = .zero, isRollingBack: Bool = false, ownOrders: Int = 0, openedAt: Timestamp,
        updatedAt: Timestamp, endedAt: Timestamp? = nil
    ) {
        self.id = id
        self.account = account
        self.symbol = symbol
        self.side = side
        self.state = state
        self.entryID = entryID
        self.signalID = signalID
        self.strategy = strategy
        self.hasTraded = hasTraded
        self.stopLoss = stopLoss
        self.protection = protection
        self.unprotectedSince = unprotectedSince
        self.dust = dust
        self.isRollingBack = isRollingBack
        self.ownOrders = ownOrders
        self.openedAt = openedAt
        self.updatedAt = updatedAt
        self.endedAt = endedAt
    }
}

/// One step of multi-step work that must not be left half done, written down before it is tried.
public struct CompensationStep: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        case placeStop = "place_stop"
        case flatten
    }
    public enum State: String, Sendable, Hashable, Codable, CaseIterable {
        /// To be tried, not before ``CompensationStep/nextAt``.
        case planned
        /// An order is under way for it.
        case running
        case done
        /// Given up; a person must act.
        case failed
        public var isTerminal: Bool { self == .done || self == .failed }
    }
    public var id: String
    public var episode: EpisodeID
    public var account: AccountID
    public var symbol: Symbol
    public var kind: Kind
    public var state: State
    /// Orders made for it so far.
    public var attempts: Int
    /// The latest of them.
    public var orderID: OrderID?
    public var detail: String?
    public var nextAt: Timestamp
    public var createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, episode: EpisodeID, account: AccountID, symbol: Symbol, kind: Kind, state: State, attempts: Int = 0,
        orderID: OrderID? = nil, detail: String? = nil, nextAt: Timestamp, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.episode = episode
        self.account = account
        self.symbol = symbol
        self.kind = kind
        self.state = state
        self.attempts = attempts
        self.orderID = orderID
        self.detail = detail
        self.nextAt = nextAt
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// What the store read about an open episode in one transaction.
public struct EpisodeFacts: Sendable {
    public var now: Timestamp
    public var episode: EpisodeRecord
    public var position: PositionRecord?
    /// The account's open orders in the symbol, queued ones and legs included, oldest first.
    public var open: [OrderRecord]
    /// Orders that the gateway made for the episode, ended ones included, oldest first.
    public var own: [OrderRecord]
    /// All steps of the episode, oldest first.
    public var steps: [CompensationStep]
    /// The order that opened the episode.
    public var entry: OrderRecord
    /// The number that another order of the entry's signal, strategy and account would get.
    public var nextLeg: Int
    public init(
        now: Timestamp, episode: EpisodeRecord, position: PositionRecord?, open: [OrderRecord], own: [OrderRecord], steps: [CompensationStep],
        entry: OrderRecord, nextLeg: Int
    ) {
        self.now = now
        self.episode = episode
        self.position = position
        self.open = open
        self.own = own
        self.steps = steps
        self.entry = entry
        self.nextLeg = nextLeg
    }
}

/// What is to be done about an episode, written in the transaction that read the ``EpisodeFacts``.
public struct EpisodeWork: Sendable {
    /// The episode as it shall be; only `dust`, `isRollingBack` and `ownOrders` may differ.
    public var episode: EpisodeRecord
    /// New orders of the gateway's own, queued.
    public var orders: [OrderRecord]
    /// New and changed steps.
    public var steps: [CompensationStep]
    public var alerts: [AlertDraft]
    /// Orders to be cancelled at the venue. The store does nothing about them.
    public var cancels: [OrderID]
    public init(
        episode: EpisodeRecord, orders: [OrderRecord] = [], steps: [CompensationStep] = [], alerts: [AlertDraft] = [], cancels: [OrderID] = []
    ) {
        self.episode = episode
        self.orders = orders
        self.steps = steps
        self.alerts = alerts
        self.cancels = cancels
    }
}

/// What a fill that the venue took back does, written in the transaction that reads the ledger.
public struct FillCorrection: Sendable {
    public var position: PositionRecord
    public var journal: [JournalDraft]
    public var alerts: [AlertDraft]
    public init(position: PositionRecord, journal: [JournalDraft], alerts: [AlertDraft]) {
        self.position = position
        self.journal = journal
        self.alerts = alerts
    }
}

/// What a correction of the ledger rests on.
public struct FillHistory: Sendable {
    public var order: OrderRecord
    /// The fill that is taken back.
    public var fill: Fill
    public var position: PositionRecord?
    /// All fills of the account in the symbol that stand, the one in question included, in the order in which they became known.
    public var fills: [Fill]
    public init(order: OrderRecord, fill: Fill, position: PositionRecord?, fills: [Fill]) {
        self.order = order
        self.fill = fill
        self.position = position
        self.fills = fills
    }
}
