import AdapterKit
import BrokerContract
import TradingModel

extension TradovateBroker {
    public func lookup(_ order: OrderReference) async -> LookupResult {
        do {
            let session = try connected().session
            guard let id = try await orderID(of: order) else {
                // The list is said to lag and to forget: that it lacks an id proves nothing.
                return .notFound(complete: false, Evidence(mayHaveLeft: true, httpStatus: 200, message: "no command bears this id"))
            }
            guard let join = try await hydrated([id]).first, let found = join.order else {
                return .notFound(complete: false, Evidence(mayHaveLeft: true, httpStatus: 200, message: "the venue does not show order \(id)"))
            }
            guard join.clientOrderID == order.clientOrderID else {
                return .indeterminate(.contradiction, Evidence(mayHaveLeft: true, message: "order \(id) bears another client order id"))
            }
            return .found(try Self.mapped(join, try await session.directory.listing(found.contractID)))
        } catch {
            return .indeterminate(error.unknownCause, Evidence(mayHaveLeft: error.effect != .notSent, message: error.message))
        }
    }

    public func openOrders() async throws(BrokerError) -> [OrderReport] {
        try await reports { VenueOrderStatus.isOpen(tradovate: $0.status) }
    }

    public func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport] {
        try await reports { $0.timestamp >= since }.filter { $0.symbol == symbol }
    }

    public func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill] {
        let (session, account) = try connected()
        let rows = try await session.api.list("/fill/list")
        let all = try Self.entities(rows, TradovateFill.init)
        let recent = all.filter { $0.timestamp >= since }
        let joins = try await hydrated(Array(Set(recent.map(\.orderID))).sorted(), withFees: true)
        return try await fills(of: joins.filter { $0.order?.accountID == account.id }).filter { $0.symbol == symbol && $0.executedAt >= since }
    }

    public func fills(of order: OrderReference) async throws(BrokerError) -> [Fill] {
        guard let id = try await orderID(of: order) else { return [] }
        return try await fills(of: try await hydrated([id], withFees: true))
    }

    public func positions() async throws(BrokerError) -> [Position] {
        let (session, account) = try connected()
        let rows = try await session.api.list("/position/deps", ["masterid": String(account.id)], priority: .urgent)
        let held = try Self.entities(rows, TradovatePosition.init).filter { !$0.quantity.isZero && $0.accountID == account.id }
        guard !held.isEmpty else { return [] }
        var names: [Int64: Symbol] = [:]
        for root in configuration.roll.keys.sorted() {
            let symbol = Symbol("\(root)1!")
            names[try await session.directory.listing(symbol, roll: configuration.roll).contract.id] = symbol
        }
        var positions: [Position] = []
        for row in held {
            let listing = try await session.directory.listing(row.contractID)
            positions.append(
                Position(symbol: names[row.contractID] ?? listing.name, quantity: row.quantity, averagePrice: row.price))
        }
        return positions
    }

    // MARK: Joining

    /// The venue's id of the order. Nil if no command bears our id; throws if several orders do.
    func orderID(of order: OrderReference) async throws(BrokerError) -> Int64? {
        if let id = order.venueOrderID {
            guard let number = Int64(id.rawValue) else { throw BrokerError(.invalidRequest, effect: .notSent, "\(id) is no id of this venue") }
            return number
        }
        let rows = try await connected().session.api.list("/command/list", priority: .urgent)
        let named = try Self.entities(rows, TradovateCommand.init).filter { $0.type == "New" && $0.clientID == order.clientOrderID.rawValue }
        let ids = Set(named.map(\.orderID))
        guard ids.count <= 1 else {
            throw BrokerError(.malformedReply, effect: .unknown, "\(ids.count) orders bear the id \(order.clientOrderID): \(ids.sorted())")
        }
        if let id = ids.first { return id }
        guard let entry = order.leg?.entryVenueOrderID.flatMap({ Int64($0.rawValue) }) else { return nil }
        return try await legID(of: order.clientOrderID, under: entry)
    }

    /// The leg with this id among the orders that wait for their entry or were started by it. The list of commands may forget; the order's
    /// own text does not.
    private func legID(of id: ClientOrderID, under entry: Int64) async throws(BrokerError) -> Int64? {
        let (session, account) = try connected()
        let rows = try await session.api.list("/order/deps", ["masterid": String(account.id)], priority: .urgent)
        let children = try Self.entities(rows, TradovateOrder.init).filter { $0.parentID == entry }
        return try await completed(children).first { $0.clientOrderID == id }?.order?.id
    }

    /// The orders with all that belongs to them. An order that the venue does not show is left out.
    func hydrated(
        _ ids: [Int64], withFees: Bool = false, withExecutions: Bool = false
    ) async throws(BrokerError) -> [OrderJoin] {
        let api = try connected().session.api
        var all: [OrderJoin] = []
        for chunk in Self.chunks(ids) {
            let text = chunk.map(String.init).joined(separator: ",")
            let orders = try Self.entities(try await api.list("/order/items", ["ids": text], priority: .urgent), TradovateOrder.init)
            all += try await completed(orders, withFees: withFees, withExecutions: withExecutions)
        }
        return all
    }

    private func completed(
        _ orders: [TradovateOrder], withFees: Bool = false, withExecutions: Bool = false
    ) async throws(BrokerError) -> [OrderJoin] {
        guard !orders.isEmpty else { return [] }
        let api = try connected().session.api
        let masters = orders.map { String($0.id) }.joined(separator: ",")
        var joins = Dictionary(orders.map { ($0.id, OrderJoin(order: $0)) }, uniquingKeysWith: { first, _ in first })
        for version in try Self.entities(try await api.list("/orderVersion/ldeps", ["masterids": masters], priority: .urgent), TradovateVersion.init) {
            joins[version.orderID]?.versions[version.id] = version
        }
        let commands = try Self.entities(try await api.list("/command/ldeps", ["masterids": masters], priority: .urgent), TradovateCommand.init)
        for command in commands { joins[command.orderID]?.commands[command.id] = command }
        let fills = try Self.entities(try await api.list("/fill/ldeps", ["masterids": masters], priority: .urgent), TradovateFill.init)
        for fill in fills { joins[fill.orderID]?.fills[fill.id] = fill }

        // Reports are found by their commands, and only a refusal or a modification needs them.
        let reported = commands.filter { command in
            withExecutions || command.type == "Modify" || joins[command.orderID]?.order?.status == "Rejected"
        }
        for chunk in Self.chunks(reported.map(\.id)) {
            let masters = chunk.map(String.init).joined(separator: ",")
            let orderByCommand = Dictionary(reported.map { ($0.id, $0.orderID) }, uniquingKeysWith: { first, _ in first })
            for report in try Self.entities(try await api.list("/commandReport/ldeps", ["masterids": masters], priority: .urgent), TradovateCommandReport.init) {
                guard let id = orderByCommand[report.commandID] else { continue }
                joins[id]?.reports[report.commandID, default: []].append(report)
            }
            for execution in try Self.entities(try await api.list("/executionReport/ldeps", ["masterids": masters], priority: .urgent), TradovateExecution.init) {
                joins[execution.orderID]?.executions[execution.id] = execution
            }
        }
        if withFees {
            let orderByFill = Dictionary(fills.map { ($0.id, $0.orderID) }, uniquingKeysWith: { first, _ in first })
            for chunk in Self.chunks(fills.map(\.id)) {
                let text = chunk.map(String.init).joined(separator: ",")
                let fees = try Self.entities(try await api.list("/fillFee/items", ["ids": text]), TradovateFee.init)
                for fee in fees { if let id = orderByFill[fee.id] { joins[id]?.fees[fee.id] = fee } }
            }
        }
        return orders.compactMap { joins[$0.id] }
    }

    private func reports(where fits: (TradovateOrder) -> Bool) async throws(BrokerError) -> [OrderReport] {
        let (session, account) = try connected()
        let rows = try await session.api.list("/order/deps", ["masterid": String(account.id)])
        let orders = try Self.entities(rows, TradovateOrder.init).filter(fits)
        var reports: [OrderReport] = []
        for chunk in Self.chunks(orders) {
            for join in try await completed(chunk) {
                guard let order = join.order else { continue }
                reports.append(try Self.mapped(join, try await session.directory.listing(order.contractID)))
            }
        }
        return reports
    }

    private func fills(of joins: [OrderJoin]) async throws(BrokerError) -> [Fill] {
        let session = try connected().session
        var all: [Fill] = []
        for join in joins {
            guard let order = join.order else { continue }
            let listing = try await session.directory.listing(order.contractID)
            all += join.activeFills.map { join.fill($0, listing) }
        }
        return all.sorted { ($0.executedAt, $0.executionID.rawValue.count, $0.executionID) < ($1.executedAt, $1.executionID.rawValue.count, $1.executionID) }
    }

    /// Masters of one request: the ids go into its URL.
    private static let chunkSize = 200

    private static func chunks<Element>(_ all: [Element]) -> [[Element]] {
        stride(from: 0, to: all.count, by: chunkSize).map { Array(all[$0..<min($0 + chunkSize, all.count)]) }
    }

    private static func entities<Entity>(_ rows: [WireJSON], _ make: (WireJSON) throws -> Entity) throws(BrokerError) -> [Entity] {
        do { return try rows.map(make) } catch {
            throw BrokerError(.malformedReply, effect: .unknown, "a row could not be read", underlying: error)
        }
    }

    private static func mapped(_ join: OrderJoin, _ listing: Listing) throws(BrokerError) -> OrderReport {
        do { return try join.report(listing) } catch {
            throw BrokerError(.malformedReply, effect: .unknown, "an order could not be read", underlying: error)
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
