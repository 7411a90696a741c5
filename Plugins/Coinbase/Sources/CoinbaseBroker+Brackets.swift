import AdapterKit
import BrokerContract
import TradingModel

/// Brackets: which orders belong together, and their legs as orders of their own.
extension CoinbaseBroker {
    /// Orders that one request asks for by their ids, which go into its URL.
    static let rowsPerRequest = 50

    /// The orders with these ids, as far as the venue shows them.
    func rows(_ ids: [VenueOrderID]) async throws(BrokerError) -> [CoinbaseOrderReply] {
        var rows: [String: CoinbaseOrderReply] = [:]
        for start in stride(from: 0, to: ids.count, by: Self.rowsPerRequest) {
            let part = ids.dropFirst(start).prefix(Self.rowsPerRequest)
            try await orderPages(part.map { ("order_ids", $0.rawValue) }) { page in
                for row in page { rows[row.order_id] = row }
                return true
            }
        }
        let found = rows.values.sorted { ($0.created_time ?? "", $0.order_id) < ($1.created_time ?? "", $1.order_id) }
        state.withLock { state in for row in found { state.known.note(row) } }
        return found
    }

    /// The brackets of which one of these orders is a part, with all that belongs to them.
    func brackets(among rows: [CoinbaseOrderReply]) async throws(BrokerError) -> [CoinbaseBracket] {
        var entries = Dictionary(
            rows.filter { !$0.isAttached && $0.hasBracket }.map { ($0.order_id, $0) }, uniquingKeysWith: { first, _ in first })
        var attached: [String: CoinbaseOrderReply] = [:]
        for row in rows { if let entry = row.originating_order_id.told { attached[entry] = row } }
        for row in try await self.rows(attached.keys.filter { entries[$0] == nil }.sorted().map { VenueOrderID($0) }) { entries[row.order_id] = row }
        // An attached order is there only once its entry has ended with a fill.
        let wanted = entries.values.filter { attached[$0.order_id] == nil && $0.mayHaveAttached }
        for row in try await self.rows(wanted.compactMap(\.attached_order_id.told).sorted().map { VenueOrderID($0) }) {
            if let entry = row.originating_order_id.told { attached[entry] = row }
        }
        for entry in wanted where entry.attached_order_id.told == nil { attached[entry.order_id] = try await searchAttached(to: entry) }
        let executions = try await self.executions(of: attached.values.filter { $0.filled_size.told != nil && $0.filled_size != "0" }.map(\.order_id))
        let now = client.time.now
        return entries.values.sorted { ($0.created_time ?? "", $0.order_id) < ($1.created_time ?? "", $1.order_id) }.map { entry in
            let order = attached[entry.order_id]
            let isOverdue = now.map { now in entry.lastTime + semantics.visibilityHorizon < now } ?? false
            return CoinbaseBracket(
                entry: entry, order: order, executions: order.flatMap { executions[$0.order_id] } ?? [],
                isMissing: order == nil && entry.mayHaveAttached && isOverdue)
        }
    }

    func bracket(of entry: CoinbaseOrderReply) async throws(BrokerError) -> CoinbaseBracket {
        let whole = try await brackets(among: [entry]).first
        if let whole { return whole }
        // An entry that tells of no bracket may still have had one, if this venue has stopped to tell of it.
        let order = entry.mayHaveAttached ? try await searchAttached(to: entry) : nil
        guard let order else { return CoinbaseBracket(entry: entry, order: nil, executions: []) }
        return CoinbaseBracket(entry: entry, order: order, executions: try await executions(of: [order.order_id])[order.order_id] ?? [])
    }

    private func searchAttached(to entry: CoinbaseOrderReply) async throws(BrokerError) -> CoinbaseOrderReply? {
        var found: CoinbaseOrderReply?
        let start = entry.created_time.map { [(name: "start_date", value: $0)] } ?? []
        try await orderPages([(name: "product_ids", value: entry.product_id)] + start) { page in
            found = page.first { $0.originating_order_id == entry.order_id }
            return found == nil
        }
        return found
    }

    private func executions(of ids: [String]) async throws(BrokerError) -> [String: [CoinbaseFillReply]] {
        guard !ids.isEmpty else { return [:] }
        let rows = try await fillRows(ids.sorted().map { ("order_ids", $0) }).filter(\.isExecution)
        return Dictionary(grouping: rows) { $0.order_id }
    }

    // MARK: Lists

    /// The orders of a list, a bracket's order replaced by its legs.
    func reports(of rows: [CoinbaseOrderReply], as symbol: Symbol? = nil) async throws(BrokerError) -> [OrderReport] {
        let brackets = try await brackets(among: rows)
        return try Self.mapped {
            let plain = try rows.filter { !$0.isAttached }.map { try $0.report(as: symbol ?? self.ownName(of: $0)) }
            return try plain + brackets.flatMap { bracket in try self.legs(of: bracket, as: symbol) }
        }
    }

    func legs(of bracket: CoinbaseBracket, as symbol: Symbol? = nil) throws -> [OrderReport] {
        let name = symbol ?? ownName(of: bracket.entry) ?? Symbol(bracket.entry.product_id)
        return try BracketRole.allCases.map { try bracket.report($0, as: name) }
    }

    // MARK: One leg

    /// The leg that is meant, found through its entry.
    func findLeg(_ order: OrderReference, _ leg: OrderReference.Leg) async -> Found {
        let entry = OrderReference(symbol: order.symbol, clientOrderID: leg.entry, venueOrderID: leg.entryVenueOrderID)
        switch await find(entry) {
        case .order(let row): return await self.leg(order, of: row)
        case .leg: return .unclear(.contradiction, Evidence(mayHaveLeft: true, message: "\(leg.entry) is itself a leg"))
        case .notFound(let evidence): return .notFound(evidence)
        case .unclear(let cause, let evidence): return .unclear(cause, evidence)
        }
    }

    /// The leg with this id, of the bracket that has `row` as its entry or as its own order.
    func leg(_ order: OrderReference, of row: CoinbaseOrderReply) async -> Found {
        do {
            let bracket: CoinbaseBracket
            if row.isAttached {
                guard let whole = try await brackets(among: [row]).first else {
                    return .unclear(.contradiction, Evidence(mayHaveLeft: true, message: "the entry of \(row.order_id) is not shown"))
                }
                bracket = whole
            } else {
                bracket = try await self.bracket(of: row)
            }
            guard let role = bracket.entry.role(of: order.clientOrderID) else {
                return .unclear(.contradiction, Evidence(mayHaveLeft: true, message: "\(row.order_id) belongs to \(bracket.entry.clientOrderID)"))
            }
            guard bracket.isKnown else {
                return .unclear(.unreadableReply, Evidence(mayHaveLeft: true, message: "the venue does not tell whether a bracket is attached"))
            }
            return .leg(bracket, role)
        } catch {
            return .unclear(error.unknownCause, Evidence(mayHaveLeft: error.effect != .notSent, message: error.message))
        }
    }

    /// Cancels the bracket of which a leg is meant. Its legs are one order here, so both of them go.
    func cancelLeg(_ bracket: CoinbaseBracket, as symbol: Symbol, within window: SendWindow) async -> CancelOutcome {
        let ended = Evidence(mayHaveLeft: false, message: "the leg has ended")
        guard let legs = try? legs(of: bracket, as: symbol), legs.contains(where: { !$0.status.isTerminal }) else { return .notOpen(ended) }
        let entryIsOpen = !VenueOrderStatus(coinbase: bracket.entry.status, hasFills: false).isTerminal
        guard entryIsOpen else {
            guard let order = bracket.order else {
                return .notSent(.notConnected, Evidence(mayHaveLeft: false, message: "the venue does not show the attached order yet"))
            }
            return await cancel(VenueOrderID(order.order_id), within: window)
        }
        return await detach(bracket.entry, as: symbol, within: window)
    }

    /// An order that is not there yet cannot be cancelled; an edit of its entry takes it off.
    private func detach(_ entry: CoinbaseOrderReply, as symbol: Symbol, within window: SendWindow) async -> CancelOutcome {
        let edit: EditTerms
        do {
            let product = try rules(for: symbol)
            guard let report = try? entry.report(as: symbol) else {
                return .notSent(.invalid, Evidence(mayHaveLeft: false, message: "the entry cannot be read"))
            }
            edit = try EditTerms(Replacement(), of: report, instrument: product.instrument, detachesBracket: true)
        } catch {
            return .notSent(error.reason, Evidence(mayHaveLeft: false, message: error.message))
        }
        switch await client.command("/orders/edit", body: edit.body, priority: .urgent, within: window) {
        case .replied(let reply):
            switch CoinbaseOutcomes.edit(reply, of: edit.venueOrderID) {
            case .taken(_, let evidence): return .requested(evidence)
            case .settled(.notOpen(let evidence)): return .notOpen(evidence)
            case .settled(.refused(let reason, let evidence)): return .refused(reason, evidence)
            case .settled(.unknown(let cause, let evidence)): return .unknown(cause, evidence)
            case .settled(.replaced(_, let evidence)), .settled(.cancelledOnly(_, _, let evidence)), .settled(.notSent(_, let evidence)):
                return .unknown(.contradiction, evidence)
            }
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    // MARK: Events

    /// Reads and tells what the stream could not tell by itself, until cancelled.
    func tellBrackets() async throws {
        for await _ in bracketFeed.signals() {
            while true {
                let batch = bracketFeed.take(Self.rowsPerRequest)
                if batch.isEmpty { break }
                await tell(batch)
            }
        }
        throw CancellationError()
    }

    private func tell(_ batch: [BracketFeed.Entry]) async {
        let ids = Set(batch.map(\.id)).sorted()
        let withheld = Set(batch.filter(\.isWithheld).map(\.id.rawValue))
        var told: Set<VenueOrderID> = []
        for pause in Self.readingPauses {
            do {
                if pause > .zero { try await clock.sleep(for: pause) }
                let found = try await rows(ids)
                let brackets = try await brackets(among: found)
                for row in found where withheld.contains(row.order_id) && !row.isAttached && told.insert(VenueOrderID(row.order_id)).inserted {
                    tell(try row.report(as: ownName(of: row)))
                }
                for bracket in brackets { try tell(bracket) }
                if found.count == ids.count, try !brackets.contains(where: { try $0.lacksExecutions }) { return }
            } catch {
                if Task.isCancelled { return }
                logger.debug("orders of events could not be read", metadata: ["error": "\(error)"])
            }
        }
        outlet.yield(.gap(reason: "orders of events could not be read"))
    }

    private func tell(_ bracket: CoinbaseBracket) throws {
        let name = ownName(of: bracket.entry) ?? Symbol(bracket.entry.product_id)
        let feeAsset = state.withLock { $0.products[name]?.instrument.quote }
        for role in BracketRole.allCases {
            for fill in try bracket.fills(of: role, as: name, feeAsset: feeAsset) where fillFeed.isNew(fill.executionID) { outlet.yield(.fill(fill)) }
        }
        for report in try legs(of: bracket) { outlet.yield(.order(report)) }
    }
}

extension CoinbaseOrderReply {
    /// Whether the entry has ended with a fill, so that what was attached to it is an order.
    fileprivate var mayHaveAttached: Bool {
        VenueOrderStatus(coinbase: status, hasFills: false).isTerminal && filled_size.told.flatMap { try? Quantity($0) }.map { $0 > 0 } == true
    }
}
