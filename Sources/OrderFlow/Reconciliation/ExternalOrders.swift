import BrokerContract
import StoreContract
import TradingModel

/// Orders at the venue that no order of the store stands for.
public enum ExternalOrders {
    /// As a report shows it.
    public static func seen(_ report: OrderReport, account: AccountID, rules: ClientOrderIDRules, at now: Timestamp) -> ExternalOrder {
        ExternalOrder(
            account: account, symbol: report.symbol, venueOrderID: report.venueOrderID, clientOrderID: report.clientOrderID,
            kind: kind(report.clientOrderID, rules), side: report.side, type: report.type, quantity: report.quantity, limitPrice: report.limitPrice,
            stopPrice: report.stopPrice, filledQuantity: report.filledQuantity, status: report.status, venueStatus: report.venueStatus, firstSeenAt: now,
            lastSeenAt: now)
    }

    /// As nothing but an execution shows it.
    public static func seen(_ fill: Fill, account: AccountID, rules: ClientOrderIDRules, at now: Timestamp) -> ExternalOrder {
        ExternalOrder(
            account: account, symbol: fill.symbol, venueOrderID: fill.venueOrderID, clientOrderID: fill.clientOrderID,
            kind: kind(fill.clientOrderID, rules), side: fill.side, type: nil, quantity: nil, filledQuantity: fill.quantity, status: .unrecognised,
            venueStatus: "", firstSeenAt: now, lastSeenAt: now)
    }

    private static func kind(_ id: ClientOrderID?, _ rules: ClientOrderIDRules) -> ExternalOrder.Kind {
        id.map { Minting.looksMinted($0, rules: rules) } == true ? .underOurPrefix : .external
    }

    /// One of several sightings of the same order: what tells more.
    public static func merged(_ a: ExternalOrder, _ b: ExternalOrder) -> ExternalOrder {
        var merged = a.status == .unrecognised || (b.status.isTerminal && !a.status.isTerminal) ? b : a
        merged.filledQuantity = max(a.filledQuantity, b.filledQuantity)
        if a.kind != .external { merged.kind = a.kind } else if b.kind != .external { merged.kind = b.kind }
        return merged
    }

    /// Adds what the sightings change: each order is told once, and shown as it was last seen.
    static func record(_ seen: [ExternalOrder], _ facts: ReconciliationFacts, into change: inout ReconciliationChange) -> Int {
        var fresh: [ExternalOrder] = []
        for order in seen {
            guard let known = facts.external.first(where: { $0.key == order.key }) else {
                fresh.append(order)
                continue
            }
            var now = merged(order, known)
            now.kind = known.kind == .external ? order.kind : known.kind
            now.firstSeenAt = known.firstSeenAt
            now.lastSeenAt = known.lastSeenAt
            guard now != known else { continue }
            now.lastSeenAt = facts.now
            change.external.append(now)
            if now.kind != known.kind { tell(now, into: &change) }
        }
        for order in fresh {
            change.external.append(order)
            tell(order, into: &change)
        }
        return fresh.count
    }

    static func alertSubject(_ account: AccountID) -> String { "account:\(account)" }

    private static func tell(_ order: ExternalOrder, into change: inout ReconciliationChange) {
        change.journal.append(
            JournalDraft(
                type: "account.external_order", account: order.account,
                data: JSONValue.fields([
                    "kind": order.kind.rawValue, "symbol": order.symbol.rawValue, "venue_order_id": order.venueOrderID.rawValue,
                    "client_order_id": order.clientOrderID?.rawValue, "side": order.side.rawValue, "type": order.type?.rawValue,
                    "quantity": order.quantity?.description, "filled_quantity": order.filledQuantity.description, "venue_status": order.venueStatus,
                ]).text))
        let what = "\(order.account) \(order.side.rawValue) \(order.quantity ?? order.filledQuantity) \(order.symbol), the venue's order \(order.venueOrderID)"
        switch order.kind {
        case .external:
            change.alerts.append(
                AlertDraft(
                    type: "external_order", severity: .medium, subject: alertSubject(order.account),
                    message: "an order that is not ours: \(what). It is shown and never traded upon"))
        case .underOurPrefix:
            change.alerts.append(
                AlertDraft(
                    type: "external_order", severity: .critical, subject: "venue_order:\(order.account)/\(order.symbol)/\(order.venueOrderID)",
                    message: "an order with a client order id like ours (\(order.clientOrderID?.rawValue ?? "")) that this store does not know: \(what). "
                        + "Another gateway may trade the account, or the store has lost commits"))
        case .endedHere:
            change.alerts.append(
                AlertDraft(
                    type: "external_order", severity: .critical, subject: "venue_order:\(order.account)/\(order.symbol)/\(order.venueOrderID)",
                    message: "an order that has ended here is open at the venue: \(what) (\(order.clientOrderID?.rawValue ?? "")). Cancel it there if it is not wanted"))
        }
    }
}
