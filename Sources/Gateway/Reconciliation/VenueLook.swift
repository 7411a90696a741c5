import BrokerContract
import OrderFlow
import StoreContract
import TradingModel

/// What one comparison has gathered so far. Whatever had no complete answer is named, and nothing is concluded from its absence.
struct VenueLook: Sendable {
    let account: AccountID
    let depth: ReconciliationRun.Depth
    let trigger: String
    let startedAt: Timestamp
    var problems: [String] = []
    var openOrders: [OrderReport]?
    var positions: [Position]?
    var balances: [Asset: Quantity]?
    var bases: [Symbol: Asset] = [:]
    var ledgerBefore: [Symbol: Quantity] = [:]
    var unsettled: Set<Symbol> = []
    var strangers: [ExternalOrder.Key: ExternalOrder] = [:]
    /// Of those that the stream told: what may yet turn out to be ours.
    var undecided: Set<ExternalOrder.Key> = []
    var changes: [ReconciliationReport.Changed] = []

    init(account: AccountID, depth: ReconciliationRun.Depth, trigger: String, startedAt: Timestamp) {
        self.account = account
        self.depth = depth
        self.trigger = trigger
        self.startedAt = startedAt
    }

    mutating func add(_ stranger: ExternalOrder) {
        strangers[stranger.key] = strangers[stranger.key].map { ExternalOrders.merged(stranger, $0) } ?? stranger
    }

    func view(endedAt: Timestamp) -> VenueView {
        let run = ReconciliationRun(
            account: account, depth: depth, trigger: trigger, startedAt: startedAt, endedAt: endedAt, isComplete: problems.isEmpty,
            problem: problems.isEmpty ? nil : problems.joined(separator: "; "), openOrders: openOrders?.count ?? 0, changedOrders: changes.count)
        return VenueView(
            run: run, positions: positions, balances: balances, bases: bases, ledgerBefore: ledgerBefore, unsettled: unsettled,
            strangers: strangers.values.sorted { ($0.symbol, $0.venueOrderID) < ($1.symbol, $1.venueOrderID) }, hasAllOpenOrders: openOrders != nil)
    }
}
