import Foundation

/// Compares what the senders were told, what the store holds and what the venue has.
public struct ClusterOracle: Sendable {
    /// Whatever is wrong, in words. Empty means: one venue order per intent, none too many, none missing.
    public private(set) var problems: [String] = []
    public private(set) var orders: [ClusterOrder] = []
    public private(set) var venueOrders = 0
    public private(set) var history: ClusterHistory

    /// How many orders ended in each status.
    public var statuses: [String: Int] { orders.reduce(into: [:]) { $0[$1.status, default: 0] += 1 } }
    public var summary: String {
        let words = statuses.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        return "\(orders.count) orders (\(words)), \(venueOrders) at the venue, \(history.permits) permits"
    }

    private static let executed: Set<String> = ["accepted", "partially_filled", "filled", "cancelled", "expired", "cancel_pending", "replace_pending"]
    private static let unsent: Set<String> = ["skipped", "blocked", "stale", "abandoned", "queued", "absent"]

    /// To be asked when all orders have come to an end.
    ///
    /// - Parameters:
    ///   - accepted: The strategy of each signal that a sender was told is accepted, by the signal's id.
    ///   - isWhole: Whether those are all signals there are: no sender was left without an answer.
    public init(_ cluster: ClusterUnderTest, through gateway: GatewayUnderTest, accepted: [String: String], isWhole: Bool = true) async throws {
        let reader = ClusterReader(gateway, cluster.venue)
        self.init(
            cluster.options, orders: try await reader.orders(), atVenue: try await reader.venueOrders(), journal: try await reader.journal(),
            accepted: accepted, isWhole: isWhole)
    }

    /// The same on what was read before.
    public init(
        _ options: ClusterUnderTest.Options, orders: [ClusterOrder], atVenue: [ClusterVenueOrder], journal: [ClusterLine],
        accepted: [String: String], isWhole: Bool = true
    ) {
        self.orders = orders
        venueOrders = atVenue.count
        history = ClusterHistory(journal)
        problems = history.problems
        judgeConservation(options, accepted, isWhole: isWhole)
        judge(atVenue, accounts: options.accounts)
    }

    /// Each accepted signal has one order for each of its strategy's accounts, and nothing else is there.
    private mutating func judgeConservation(_ options: ClusterUnderTest.Options, _ accepted: [String: String], isWhole: Bool) {
        let bySignal = Dictionary(grouping: orders, by: \.signal_id)
        let accounts = Dictionary(options.strategies.map { ($0.name, Set($0.accounts.map(ClusterUnderTest.account))) }, uniquingKeysWith: { first, _ in first })
        for (signal, strategy) in accepted {
            let own = bySignal[signal] ?? []
            if own.count != accounts[strategy]?.count || Set(own.map(\.account)) != accounts[strategy] {
                problems.append("signal \(signal) of \(strategy) has orders for \(own.map(\.account))")
            }
        }
        for signal in bySignal.keys where isWhole && accepted[signal] == nil { problems.append("signal \(signal) was accepted from nobody") }
        for order in orders where !Self.executed.contains(order.status) && !Self.unsent.contains(order.status) {
            problems.append("order \(order.id) ended \(order.status) (\(order.reason ?? "")): \(order.detail ?? "")")
        }
    }

    /// Each order that was executed is at the venue once, and the venue has no other.
    private mutating func judge(_ atVenue: [ClusterVenueOrder], accounts: Int) {
        let names = Dictionary(uniqueKeysWithValues: (1...accounts).map { (ClusterUnderTest.key($0), ClusterUnderTest.account($0)) })
        var venue: [String: [ClusterVenueOrder]] = [:]
        for order in atVenue { venue["\(names[order.account] ?? order.account) \(order.client_order_id)", default: []].append(order) }
        for (name, same) in venue where same.count > 1 { problems.append("\(same.count) orders at the venue for one intent: \(name)") }
        for order in orders {
            let own = venue.removeValue(forKey: "\(order.account) \(order.client_order_id ?? "?")") ?? []
            if Self.executed.contains(order.status) {
                if own.isEmpty { problems.append("order \(order.id) is \(order.status), but not at the venue") }
                if !order.missing.isEmpty { problems.append("order \(order.id) has no \(order.missing)") }
                if let filled = own.first?.filled_quantity, Decimal(string: filled) != Decimal(string: order.filled_quantity ?? "") {
                    problems.append("order \(order.id) has \(order.filled_quantity ?? "nothing") filled, at the venue \(filled)")
                }
            } else if !own.isEmpty {
                problems.append("order \(order.id) ended \(order.status), but the venue has it")
            }
        }
        for name in venue.keys { problems.append("the venue has an order that the store does not know: \(name)") }
    }
}
