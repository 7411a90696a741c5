import BrokerContract
import StoreContract
import TradingModel

/// What one comparison saw at the venue, and what of it can be concluded from.
public struct VenueView: Sendable {
    public var run: ReconciliationRun
    /// Nil where the venue has no positions, or gave no complete answer.
    public var positions: [Position]?
    /// What the account has of each asset, free and reserved; nil where it was not asked or not answered.
    public var balances: [Asset: Quantity]?
    /// The base asset of each symbol in the ledger, where it is known.
    public var bases: [Symbol: Asset]
    /// The ledger as it was before the venue was asked: a figure that moved meanwhile is compared next time.
    public var ledgerBefore: [Symbol: Quantity]
    /// Symbols in which an order's fills were still on their way when the venue was asked.
    public var unsettled: Set<Symbol>
    /// Orders that are not ours. Their times are those of this run.
    public var strangers: [ExternalOrder]
    /// Whether the list of open orders was complete, so that what it lacks of the known strangers has ended.
    public var hasAllOpenOrders: Bool

    public init(
        run: ReconciliationRun, positions: [Position]? = nil, balances: [Asset: Quantity]? = nil, bases: [Symbol: Asset] = [:],
        ledgerBefore: [Symbol: Quantity] = [:], unsettled: Set<Symbol> = [], strangers: [ExternalOrder] = [], hasAllOpenOrders: Bool = false
    ) {
        self.run = run
        self.positions = positions
        self.balances = balances
        self.bases = bases
        self.ledgerBefore = ledgerBefore
        self.unsettled = unsettled
        self.strangers = strangers
        self.hasAllOpenOrders = hasAllOpenOrders
    }
}
