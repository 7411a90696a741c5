import Gateway
import HTTPTypes
import Hummingbird
import StoreContract
import TradingModel

/// The read side of `/api/v1`: what the store holds, as JSON.
struct ReadEndpoints: Sendable {
    private static let defaultLimit = 100
    private static let maximumLimit = 1000

    let gateway: TradingGateway
    let known: [AdapterDescription]

    private var store: any OrderStore { gateway.store }

    func orders(_ request: Request) async throws -> Response {
        let query = try QueryParameters(request, known: ["account", "strategy", "signal_id", "status", "before", "cursor", "limit"])
        let limit = try Self.limit(query)
        let states = try query.list("status", "a list of: \(OrderState.allCases.map(\.rawValue).joined(separator: ", "))") {
            OrderState(rawValue: $0)
        }
        let orders = try await store.orders(
            OrderQuery(
                account: try query.text("account").map { AccountID($0) }, strategy: try query.text("strategy").map { StrategyID($0) },
                signalID: try query.text("signal_id").map { SignalID($0) }, states: states.map { Set($0) },
                before: try Self.cursor(query).map { OrderID($0) }, limit: limit + 1))
        return Self.page(orders, limit: limit, id: \.id.rawValue, row: \.row)
    }

    func order(_ id: OrderID, _ request: Request) async throws -> Response {
        _ = try QueryParameters(request, known: [])
        guard let snapshot = try await store.order(id) else { throw Problem.missing("order", id.rawValue) }
        let journal = try await store.journal(of: snapshot.order.signalID).filter { $0.orderID == id }
        var body = snapshot.order.object
        body.add("attempts", list: snapshot.attempts.map(\.row))
        body.add("fills", list: snapshot.fills.map(\.row))
        body.add("journal", list: journal.map(\.row))
        return Self.json(body.json)
    }

    func signals(_ request: Request) async throws -> Response {
        let query = try QueryParameters(request, known: ["before", "cursor", "limit"])
        let limit = try Self.limit(query)
        let signals = try await store.signals(before: try Self.cursor(query).map { SignalID($0) }, limit: limit + 1)
        return Self.page(signals, limit: limit, id: \.id.rawValue, row: \.row)
    }

    func signal(_ id: SignalID, _ request: Request) async throws -> Response {
        _ = try QueryParameters(request, known: [])
        guard let signal = try await store.signal(id) else { throw Problem.missing("signal", id.rawValue) }
        let orders = try await store.orders(OrderQuery(signalID: id, limit: Self.maximumLimit))
        var body = signal.object
        body.add("body", signal.body)
        body.add("answer", json: signal.answerObject)
        body.add("orders", list: orders.reversed().map(\.row))
        body.add("journal", list: try await store.journal(of: id).map(\.row))
        return Self.json(body.json)
    }

    func positions(_ request: Request) async throws -> Response {
        let query = try QueryParameters(request, known: ["account"])
        let account = try query.text("account").map { AccountID($0) }
        let positions = try await store.positions(account: account)
        // An entry may be at the venue before anything is held: its episode is told beside the positions that there are.
        var open = try await store.episodes(account: account, includeEnded: false, limit: 10_000)
        let rows = positions.map { position in
            let episode = open.firstIndex { $0.account == position.account && $0.symbol == position.symbol }.map { open.remove(at: $0) }
            return position.row(episode)
        }
        let waiting = open.reversed().map { episode in
            PositionRecord(
                account: episode.account, symbol: episode.symbol, quantity: .zero, averagePrice: nil, realizedProfit: .zero, updatedAt: episode.updatedAt
            ).row(episode)
        }
        return Self.list(rows + waiting)
    }

    func accounts(_ request: Request) async throws -> Response {
        _ = try QueryParameters(request, known: [])
        return Self.list(await gateway.accountStatuses().map(\.row))
    }

    func adapters(_ request: Request) throws -> Response {
        _ = try QueryParameters(request, known: [])
        return Self.list(known.map(\.row))
    }

    func alerts(_ request: Request) async throws -> Response {
        let query = try QueryParameters(request, known: ["resolved", "limit"])
        let alerts = try await store.alerts(includeResolved: try query.flag("resolved"), limit: try Self.limit(query))
        return Self.list(alerts.map(\.row))
    }

    private static func limit(_ query: QueryParameters) throws(Problem) -> Int {
        try query.number("limit", in: 1...maximumLimit) ?? defaultLimit
    }

    /// `cursor` takes the `next` of a page; `before` is the same by the name that says what it does.
    private static func cursor(_ query: QueryParameters) throws(Problem) -> String? {
        let (before, cursor) = (try query.text("before"), try query.text("cursor"))
        guard before == nil || cursor == nil else { throw .badParameter("cursor", "Give before or cursor, not both.") }
        return before ?? cursor
    }

    /// One page of a list that was read with one element more than `limit`.
    private static func page<Element>(
        _ elements: [Element], limit: Int, id: (Element) -> String, row: (Element) -> String
    ) -> Response {
        let page = elements.prefix(limit)
        return list(page.map(row), next: elements.count > limit ? page.last.map(id) : nil)
    }

    private static func list(_ rows: [String], next: String? = nil) -> Response { Response(list: rows, next: next) }

    private static func json(_ text: String) -> Response { Response(json: text) }
}

extension Response {
    /// An answer in JSON that nobody may keep.
    init(_ status: HTTPResponse.Status = .ok, json text: String) {
        self.init(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// A page of rows that are JSON already.
    init(list rows: [String], next: String? = nil) {
        var body = JSONObject()
        body.add("data", list: rows)
        body.add("next", next)
        self.init(json: body.json)
    }
}
