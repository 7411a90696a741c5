import BrokerContract
import ExchangeContract
import TradingModel

extension BinanceBroker {
    public func lookup(_ order: OrderReference) async -> LookupResult {
        do {
            let reply = try await client.reply(
                dialect.paths.order, ["symbol": order.symbol.rawValue, "origClientOrderId": order.clientOrderID.rawValue],
                weight: dialect.paths.weights.lookup, priority: .urgent)
            return BinanceOutcomes.lookup(reply, for: order)
        } catch {
            return .indeterminate(error.unknownCause, Evidence(mayHaveLeft: error.effect != .notSent, message: error.message))
        }
    }

    public func openOrders() async throws(BrokerError) -> [OrderReport] {
        let rows = try await client.query(dialect.paths.openOrders, [:], weight: dialect.paths.weights.openOrders, as: [BinanceOrderReply].self)
        return try Self.mapped { try rows.map { try $0.report() } }
    }

    public func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport] {
        let (path, weight) = (dialect.paths.allOrders, dialect.paths.weights.history)
        let first = try await firstDay(with: BinanceOrderReply.self, path, symbol, since: since, weight: weight)
        guard let lowest = first.map(\.orderId).min() else { return [] }
        let rows = try await pages(from: lowest) { (from) async throws(BrokerError) in
            try await self.client.query(
                path, ["symbol": symbol.rawValue, "orderId": String(from), "limit": String(Self.pageSize)], weight: weight,
                as: [BinanceOrderReply].self)
        } id: { $0.orderId }
        return try Self.mapped {
            try rows.filter { Timestamp(milliseconds: $0.time ?? .max) >= since }.map { try $0.report() }
        }
    }

    public func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill] {
        let (path, weight) = (dialect.paths.trades, dialect.paths.weights.fills)
        let first = try await firstDay(with: BinanceTradeReply.self, path, symbol, since: since, weight: weight)
        guard let lowest = first.map(\.id).min() else { return [] }
        let rows = try await pages(from: lowest) { (from) async throws(BrokerError) in
            try await self.client.query(
                path, ["symbol": symbol.rawValue, "fromId": String(from), "limit": String(Self.pageSize)], weight: weight,
                as: [BinanceTradeReply].self)
        } id: { $0.id }
        return try Self.mapped { try rows.filter { Timestamp(milliseconds: $0.time) >= since }.map { try $0.fill() } }
    }

    public func fills(of order: OrderReference) async throws(BrokerError) -> [Fill] {
        guard let id = try await venueID(of: order) else { return [] }
        let rows = try await pages(from: 0) { (from) async throws(BrokerError) in
            var parameters: BinanceParameters = ["symbol": order.symbol.rawValue, "orderId": id.rawValue]
            if from > 0 { parameters.add("fromId", String(from)) }
            parameters.add("limit", String(Self.pageSize))
            return try await self.client.query(
                self.dialect.paths.trades, parameters, weight: self.dialect.paths.weights.orderFills, priority: .urgent, as: [BinanceTradeReply].self)
        } id: { $0.id }
        return try Self.mapped { try rows.map { try $0.fill(clientOrderID: order.clientOrderID) } }
    }

    /// The most rows that one page may have. Source: rest-api, "All orders" and "Account trade list".
    private static let pageSize = 1000

    /// The rows of the first day (on the futures: week), from `since` on, that has any. Lists by time cannot be paged, lists by id can.
    private func firstDay<Row: Decodable>(
        with type: Row.Type, _ path: String, _ symbol: Symbol, since: Timestamp, weight: Int
    ) async throws(BrokerError) -> [Row] {
        guard let now = client.time.now else {
            throw BrokerError(.unavailable, effect: .notSent, "the venue's clock has not been read yet")
        }
        var start = since
        repeat {
            let end = start + dialect.paths.longestSpan - .milliseconds(1)
            let rows = try await client.query(
                path,
                [
                    "symbol": symbol.rawValue, "startTime": String(start.milliseconds), "endTime": String(end.milliseconds),
                    "limit": String(Self.pageSize),
                ], weight: weight, as: [Row].self)
            if !rows.isEmpty { return rows }
            start = end + .milliseconds(1)
        } while start <= now
        return []
    }

    /// All rows from an id on, page by page, until a page is not full.
    private func pages<Row: Sendable>(
        from first: Int64, _ page: (Int64) async throws(BrokerError) -> [Row], id: (Row) -> Int64
    ) async throws(BrokerError) -> [Row] {
        var all: [Row] = []
        var next = first
        while true {
            let rows = try await page(next)
            all += rows
            guard rows.count >= Self.pageSize, let last = rows.map(id).max() else { return all }
            guard last >= next else { throw BrokerError(.malformedReply, effect: .unknown, "the venue's pages do not advance") }
            next = last + 1
        }
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

    static func mapped<Value>(_ map: () throws -> Value) throws(BrokerError) -> Value {
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
