import AdapterKit
import BrokerContract
import TradingModel

/// The venue's lists, read to their end.
extension CoinbaseBroker {
    typealias Parameters = [(name: String, value: String)]

    /// The venue states no default; larger pages are not promised.
    private static let pageSize = 250
    /// A list that is longer is an error, not a part of it.
    private static let maximumPages = 2000
    /// The filter for `OPEN` leaves out orders that wait, and no two states can be asked together. In the order of an order's life, so that one
    /// that moves on while we ask is met later, not missed.
    private static let openStates = ["PENDING", "QUEUED", "EDIT_QUEUED", "OPEN", "CANCEL_QUEUED"]

    func openRows(_ parameters: Parameters) async throws(BrokerError) -> [CoinbaseOrderReply] {
        var rows: [String: CoinbaseOrderReply] = [:]
        for status in Self.openStates {
            try await orderPages(parameters + [("order_status", status)]) { page in
                for row in page { rows[row.order_id] = row }
                return true
            }
        }
        return rows.values.sorted { ($0.created_time ?? "", $0.order_id) < ($1.created_time ?? "", $1.order_id) }
    }

    /// The order with this client id: among all that are young enough, then among the open ones of any age.
    func search(_ order: OrderReference) async throws(BrokerError) -> CoinbaseOrderReply? {
        guard let now = client.time.now else {
            throw BrokerError(.unavailable, effect: .notSent, "the venue's clock has not been read yet")
        }
        let wanted = order.clientOrderID
        // A leg has no order of its own before its entry has filled: then the entry is found.
        func fits(_ row: CoinbaseOrderReply) -> Bool { row.clientOrderID == wanted || (row.hasBracket && row.role(of: wanted) != nil) }
        var found: CoinbaseOrderReply?
        try await orderPages(names(of: order.symbol) + [("start_date", (now - lookupWindow).description)]) { page in
            found = page.first(where: fits)
            return found == nil
        }
        if let found { return found }
        return try await openRows(names(of: order.symbol)).first(where: fits)
    }

    /// Page by page until the end, or until `wantsMore` says that it is enough.
    func orderPages(
        _ parameters: Parameters, _ wantsMore: ([CoinbaseOrderReply]) -> Bool
    ) async throws(BrokerError) {
        try await pages { (cursor) async throws(BrokerError) in
            let page = try await self.client.query(
                "/orders/historical/batch", self.portfolioParameter + parameters + [("limit", String(Self.pageSize))] + cursor,
                priority: .urgent, as: CoinbaseOrdersReply.self)
            guard wantsMore(page.orders), page.has_next == true else { return nil }
            guard let next = page.cursor.told else {
                throw BrokerError(.malformedReply, effect: .unknown, "the list goes on, and says not where")
            }
            return next
        }
    }

    func fillRows(_ parameters: Parameters) async throws(BrokerError) -> [CoinbaseFillReply] {
        var rows: [CoinbaseFillReply] = []
        try await pages { (cursor) async throws(BrokerError) in
            let page = try await self.client.query(
                "/orders/historical/fills", self.portfolioParameter + parameters + [("limit", String(Self.pageSize))] + cursor,
                priority: .urgent, as: CoinbaseFillsReply.self)
            rows += page.fills
            return page.cursor.told
        }
        return rows
    }

    /// The executions as fills, each once, oldest first.
    func mappedFills(_ rows: [CoinbaseFillReply], symbol: Symbol, id: ClientOrderID?) throws(BrokerError) -> [Fill] {
        let instrument = state.withLock { $0.products[symbol]?.instrument }
        return try Self.mapped {
            var fills: [ExecutionID: Fill] = [:]
            for row in rows where row.isExecution {
                let fill = try row.fill(as: symbol, clientOrderID: id, lot: instrument?.lotSize ?? .zero, feeAsset: instrument?.quote)
                fills[fill.executionID] = fill
            }
            return fills.values.sorted { ($0.executedAt, $0.executionID) < ($1.executedAt, $1.executionID) }
        }
    }

    /// Calls `page` with the parameter for each next page until it gives no cursor.
    func pages(_ page: (Parameters) async throws(BrokerError) -> String?) async throws(BrokerError) {
        var cursor: String?
        for _ in 0..<Self.maximumPages {
            let next = try await page(cursor.map { [("cursor", $0)] } ?? [])
            guard let next else { return }
            guard next != cursor else { throw BrokerError(.malformedReply, effect: .unknown, "the venue's pages do not advance") }
            cursor = next
        }
        throw BrokerError(.malformedReply, effect: .unknown, "more than \(Self.maximumPages) pages")
    }

    // MARK: Names

    var portfolioParameter: Parameters { client.portfolio.map { [("retail_portfolio_id", $0)] } ?? [] }

    func names(of symbol: Symbol) -> Parameters {
        let names = state.withLock { $0.products[symbol]?.names } ?? [symbol]
        return names.map { ("product_ids", $0.rawValue) }
    }

    /// The name under which the order was sent, if this process knows it.
    func ownName(of row: CoinbaseOrderReply) -> Symbol? { state.withLock { $0.known[row.clientOrderID]?.symbol } }

    static func mapped<Value>(_ map: () throws -> Value) throws(BrokerError) -> Value {
        do { return try map() } catch {
            throw BrokerError(.malformedReply, effect: .unknown, "a row could not be read", underlying: error)
        }
    }
}
