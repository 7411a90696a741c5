import BrokerContract
import ExchangeContract
import TradingModel

extension CoinbaseBroker {
    /// By the venue's id where it is known; otherwise, because the venue cannot be asked by ours, by reading its lists.
    public func lookup(_ order: OrderReference) async -> LookupResult {
        let known = order.venueOrderID ?? state.withLock { $0.known[order.clientOrderID]?.venueOrderID }
        if let known {
            switch await read(known) {
            case .found(let row): return result(row, for: order)
            case .unclear(let cause, let evidence): return .indeterminate(cause, evidence)
            case .notFound: break
            }
        }
        do {
            guard let row = try await search(order) else {
                return .notFound(complete: true, Evidence(mayHaveLeft: true, httpStatus: 200, message: "in no list of orders"))
            }
            return result(row, for: order)
        } catch {
            return .indeterminate(error.unknownCause, Evidence(mayHaveLeft: error.effect != .notSent, message: error.message))
        }
    }

    public func openOrders() async throws(BrokerError) -> [OrderReport] {
        let rows = try await openRows([])
        return try Self.mapped { try rows.map { try $0.report(as: self.ownName(of: $0)) }.filter { !$0.status.isTerminal } }
    }

    public func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport] {
        // A list that grows while it is read shows rows twice.
        var rows: [String: CoinbaseOrderReply] = [:]
        try await orderPages(names(of: symbol) + [("start_date", since.description)]) { page in
            for row in page { rows[row.order_id] = row }
            return true
        }
        let sorted = rows.values.sorted { ($0.created_time ?? "", $0.order_id) < ($1.created_time ?? "", $1.order_id) }
        return try Self.mapped {
            try sorted.filter { ($0.createdAt ?? .init(microseconds: .max)) >= since }.map { try $0.report(as: symbol) }
        }
    }

    public func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill] {
        // The filter is on another time than the execution's, which may be a little later.
        let from = since - .seconds(60)
        return try await fillPages(names(of: symbol) + [("start_sequence_timestamp", from.description)], symbol: symbol, id: nil)
            .filter { $0.executedAt >= since }
    }

    /// Executions are listed a moment after the order shows them; asked right then, this waits for them a little.
    public func fills(of order: OrderReference) async throws(BrokerError) -> [Fill] {
        guard let id = try await venueID(of: order) else { return [] }
        var fills: [Fill] = []
        for pause in Self.fillPauses {
            guard case .found(let row) = await read(id, after: pause), let report = try? row.report() else { break }
            fills = try await fillPages([("order_ids", id.rawValue)], symbol: order.symbol, id: order.clientOrderID)
            if fills.reduce(.zero, { $0 + $1.quantity }) >= report.filledQuantity { return fills }
        }
        return try await fillPages([("order_ids", id.rawValue)], symbol: order.symbol, id: order.clientOrderID)
    }

    private static let fillPauses: [Duration] = [.zero, .milliseconds(150), .milliseconds(300), .milliseconds(600)]

    public func balances() async throws(BrokerError) -> [Balance] {
        var rows: [CoinbaseAccountsReply.Account] = []
        try await pages { (cursor) async throws(BrokerError) in
            let page = try await self.client.query(
                "/accounts", self.portfolioParameter + [("limit", "250")] + cursor, as: CoinbaseAccountsReply.self)
            rows += page.accounts
            return page.has_next == true ? page.cursor.told : nil
        }
        let all = rows
        return try Self.mapped {
            // One asset may have several wallets.
            var totals: [Asset: (available: Quantity, locked: Quantity)] = [:]
            for row in all {
                let old = totals[Asset(row.currency)] ?? (.zero, .zero)
                totals[Asset(row.currency)] = (
                    old.available + (try Quantity(row.available_balance.value)), old.locked + (try row.hold.map { try Quantity($0.value) } ?? .zero)
                )
            }
            return totals.filter { !$0.value.available.isZero || !$0.value.locked.isZero }
                .map { Balance(asset: $0.key, available: $0.value.available, locked: $0.value.locked) }.sorted { $0.asset < $1.asset }
        }
    }

    // MARK: Lists

    private typealias Parameters = [(name: String, value: String)]

    /// The venue states no default; larger pages are not promised.
    private static let pageSize = 250
    /// A list that is longer is an error, not a part of it.
    private static let maximumPages = 2000
    /// The filter for `OPEN` leaves out orders that wait, and no two states can be asked together. In the order of an order's life, so that one
    /// that moves on while we ask is met later, not missed.
    private static let openStates = ["PENDING", "QUEUED", "EDIT_QUEUED", "OPEN", "CANCEL_QUEUED"]

    private func openRows(_ parameters: Parameters) async throws(BrokerError) -> [CoinbaseOrderReply] {
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
    private func search(_ order: OrderReference) async throws(BrokerError) -> CoinbaseOrderReply? {
        guard let now = client.time.now else {
            throw BrokerError(.unavailable, effect: .notSent, "the venue's clock has not been read yet")
        }
        let wanted = order.clientOrderID.rawValue
        var found: CoinbaseOrderReply?
        try await orderPages(names(of: order.symbol) + [("start_date", (now - lookupWindow).description)]) { page in
            found = page.first { $0.client_order_id.lowercased() == wanted }
            return found == nil
        }
        if let found { return found }
        return try await openRows(names(of: order.symbol)).first { $0.client_order_id.lowercased() == wanted }
    }

    /// Page by page until the end, or until `wantsMore` says that it is enough.
    private func orderPages(
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

    private func fillPages(_ parameters: Parameters, symbol: Symbol, id: ClientOrderID?) async throws(BrokerError) -> [Fill] {
        var rows: [CoinbaseFillReply] = []
        try await pages { (cursor) async throws(BrokerError) in
            let page = try await self.client.query(
                "/orders/historical/fills", self.portfolioParameter + parameters + [("limit", String(Self.pageSize))] + cursor,
                priority: .urgent, as: CoinbaseFillsReply.self)
            rows += page.fills
            return page.cursor.told
        }
        let all = rows
        let instrument = state.withLock { $0.products[symbol]?.instrument }
        return try Self.mapped {
            var fills: [ExecutionID: Fill] = [:]
            for row in all where row.isExecution {
                let fill = try row.fill(as: symbol, clientOrderID: id, lot: instrument?.lotSize ?? .zero, feeAsset: instrument?.quote)
                fills[fill.executionID] = fill
            }
            return fills.values.sorted { ($0.executedAt, $0.executionID) < ($1.executedAt, $1.executionID) }
        }
    }

    /// Calls `page` with the parameter for each next page until it gives no cursor.
    private func pages(_ page: (Parameters) async throws(BrokerError) -> String?) async throws(BrokerError) {
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

    private var portfolioParameter: Parameters { client.portfolio.map { [("retail_portfolio_id", $0)] } ?? [] }

    private func names(of symbol: Symbol) -> Parameters {
        let names = state.withLock { $0.products[symbol]?.names } ?? [symbol]
        return names.map { ("product_ids", $0.rawValue) }
    }

    /// The name under which the order was sent, if this process knows it.
    private func ownName(of row: CoinbaseOrderReply) -> Symbol? {
        state.withLock { $0.known[ClientOrderID(row.client_order_id.lowercased())]?.symbol }
    }

    private func result(_ row: CoinbaseOrderReply, for order: OrderReference) -> LookupResult {
        let evidence = Evidence(mayHaveLeft: true, httpStatus: 200, message: "order_id \(row.order_id)")
        let names = state.withLock { $0.products[order.symbol]?.names } ?? [order.symbol]
        guard row.client_order_id.lowercased() == order.clientOrderID.rawValue, names.contains(Symbol(row.product_id)) else {
            return .indeterminate(.contradiction, evidence)
        }
        guard let report = try? row.report(as: order.symbol) else { return .indeterminate(.unreadableReply, evidence) }
        state.withLock { $0.known.add(order.clientOrderID, report.venueOrderID, order.symbol) }
        return .found(report)
    }

    private func venueID(of order: OrderReference) async throws(BrokerError) -> VenueOrderID? {
        if let id = order.venueOrderID { return id }
        switch await lookup(order) {
        case .found(let report): return report.venueOrderID
        case .notFound: return nil
        case .indeterminate(let cause, let evidence):
            throw BrokerError(.unavailable, effect: .unknown, "\(cause.rawValue): \(evidence.message ?? "")")
        }
    }

    private static func mapped<Value>(_ map: () throws -> Value) throws(BrokerError) -> Value {
        do { return try map() } catch {
            throw BrokerError(.malformedReply, effect: .unknown, "a row could not be read", underlying: error)
        }
    }
}

extension BrokerError {
    /// The same, for a lookup.
    var unknownCause: UnknownCause {
        switch kind {
        case .timedOut: .timedOut
        case .cancelled: .cancelled
        case .malformedReply: .unreadableReply
        case .rateLimited, .unauthenticated, .rejected, .invalidRequest, .unsupported, .notFound: .unlistedRefusal
        case .unavailable: .connectionLost
        }
    }
}
