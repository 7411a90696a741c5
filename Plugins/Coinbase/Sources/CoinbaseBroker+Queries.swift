import BrokerContract
import ExchangeContract
import TradingModel

extension CoinbaseBroker {
    /// By the venue's id where it is known; otherwise, because the venue cannot be asked by ours, by reading its lists.
    public func lookup(_ order: OrderReference) async -> LookupResult {
        switch await find(order) {
        case .order(let row):
            guard let report = try? row.report(as: order.symbol) else { return .indeterminate(.unreadableReply, Self.evidence(row)) }
            return .found(report)
        case .leg(let bracket, let role):
            guard let report = try? bracket.report(role, as: order.symbol) else { return .indeterminate(.unreadableReply, Self.evidence(bracket.entry)) }
            return .found(report)
        case .notFound(let evidence): return .notFound(complete: true, evidence)
        case .unclear(let cause, let evidence): return .indeterminate(cause, evidence)
        }
    }

    /// What an order reference means at this venue.
    enum Found {
        case order(CoinbaseOrderReply)
        case leg(CoinbaseBracket, BracketRole)
        /// In no list, to their end.
        case notFound(Evidence)
        case unclear(UnknownCause, Evidence)
    }

    /// By the venue's id where it is known; otherwise, because the venue cannot be asked by ours, by reading its lists.
    func find(_ order: OrderReference) async -> Found {
        if let leg = order.leg { return await findLeg(order, leg) }
        let known = order.venueOrderID ?? state.withLock { $0.known[order.clientOrderID]?.venueOrderID }
        if let known {
            switch await read(known) {
            case .found(let row): return await checked(row, for: order)
            case .unclear(let cause, let evidence): return .unclear(cause, evidence)
            case .notFound: break
            }
        }
        do {
            guard let row = try await search(order) else {
                return .notFound(Evidence(mayHaveLeft: true, httpStatus: 200, message: "in no list of orders"))
            }
            return await checked(row, for: order)
        } catch {
            return .unclear(error.unknownCause, Evidence(mayHaveLeft: error.effect != .notSent, message: error.message))
        }
    }

    private func checked(_ row: CoinbaseOrderReply, for order: OrderReference) async -> Found {
        let names = state.withLock { $0.products[order.symbol]?.names } ?? [order.symbol]
        guard names.contains(Symbol(row.product_id)) else { return .unclear(.contradiction, Self.evidence(row)) }
        if row.isAttached || row.role(of: order.clientOrderID) != nil { return await leg(order, of: row) }
        guard row.clientOrderID == order.clientOrderID else { return .unclear(.contradiction, Self.evidence(row)) }
        state.withLock { $0.known.add(order.clientOrderID, order.symbol, row) }
        return .order(row)
    }

    private static func evidence(_ row: CoinbaseOrderReply) -> Evidence {
        Evidence(mayHaveLeft: true, httpStatus: 200, message: "order_id \(row.order_id)")
    }

    public func openOrders() async throws(BrokerError) -> [OrderReport] {
        try await reports(of: try await openRows([])).filter { !$0.status.isTerminal }
    }

    public func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport] {
        // A list that grows while it is read shows rows twice.
        var rows: [String: CoinbaseOrderReply] = [:]
        try await orderPages(names(of: symbol) + [("start_date", since.description)]) { page in
            for row in page { rows[row.order_id] = row }
            return true
        }
        let sorted = rows.values.sorted { ($0.created_time ?? "", $0.order_id) < ($1.created_time ?? "", $1.order_id) }
        return try await reports(of: sorted.filter { ($0.createdAt ?? .init(microseconds: .max)) >= since }, as: symbol)
    }

    public func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill] {
        // The filter is on another time than the execution's, which may be a little later.
        let from = since - .seconds(60)
        let executions = try await fillRows(names(of: symbol) + [("start_sequence_timestamp", from.description)]).filter(\.isExecution)
        let brackets = try await bracketsByOrder(of: executions)
        let plain = try mappedFills(executions.filter { brackets[$0.order_id] == nil }, symbol: symbol, id: nil)
        let feeAsset = state.withLock { $0.products[symbol]?.instrument.quote }
        let legs = try Self.mapped {
            try brackets.values.flatMap { bracket in
                try BracketRole.allCases.flatMap { try bracket.fills(of: $0, as: symbol, feeAsset: feeAsset) }
            }
        }
        return (plain + legs).filter { $0.executedAt >= since }.sorted { ($0.executedAt, $0.executionID) < ($1.executedAt, $1.executionID) }
    }

    /// The brackets among the orders that were executed, by the id of their own order. An order's kind is read once.
    private func bracketsByOrder(of executions: [CoinbaseFillReply]) async throws(BrokerError) -> [String: CoinbaseBracket] {
        let ids = Set(executions.map { VenueOrderID($0.order_id) })
        let others = state.withLock { state in ids.filter { ![.plain, .entry].contains(state.known.kind(of: $0)) } }
        guard !others.isEmpty else { return [:] }
        let attached = try await rows(others.sorted()).filter(\.isAttached)
        let all = try await brackets(among: attached)
        return Dictionary(all.compactMap { bracket in bracket.order.map { ($0.order_id, bracket) } }, uniquingKeysWith: { first, _ in first })
    }

    /// Executions are listed a moment after the order shows them; asked right then, this waits for them a little.
    public func fills(of order: OrderReference) async throws(BrokerError) -> [Fill] {
        var last: [Fill] = []
        for pause in Self.fillPauses {
            do { if pause > .zero { try await clock.sleep(for: pause) } } catch {
                throw BrokerError(.cancelled, effect: .notSent, "cancelled", underlying: error)
            }
            let isComplete: Bool
            switch await find(order) {
            case .order(let row):
                last = try mappedFills(try await fillRows([("order_ids", row.order_id)]), symbol: order.symbol, id: order.clientOrderID)
                let sum = last.reduce(.zero) { $0 + $1.quantity }
                isComplete = try Self.mapped { sum >= (try row.report().filledQuantity) }
            case .leg(let bracket, let role):
                let feeAsset = state.withLock { $0.products[order.symbol]?.instrument.quote }
                last = try Self.mapped { try bracket.fills(of: role, as: order.symbol, feeAsset: feeAsset) }
                isComplete = try Self.mapped { try !bracket.lacksExecutions }
            case .notFound: return []
            case .unclear(let cause, let evidence):
                throw BrokerError(.unavailable, effect: .unknown, "\(cause.rawValue): \(evidence.message ?? "")")
            }
            if isComplete { break }
        }
        return last
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
