import SimulatorKit
import Synchronization
import TradingModel

/// The venue behind both wires: entities that it tells, and the exchange that fills orders.
///
/// A request is answered at once, and what risk check and exchange say about it comes later, as events.
final class TradovateVenue: Sendable {
    struct Settings: Sendable {
        var accounts: [String] = ["DEMO25"]
        var cash: Notional = 50_000
        /// From the answer to a command until its outcome.
        var decisionDelay: Duration = .milliseconds(5)
        /// From a fill until its fees.
        var feeDelay: Duration = .milliseconds(20)
        /// Whether `placeoso` leaves out the ids of the legs, as the venue often does.
        var omitsLegIDs = true
    }

    struct Account: Sendable {
        let id: Int64
        let name: String
        var key: String { String(id) }
    }

    /// A command whose outcome is to come.
    struct Decision: Sendable {
        enum Kind: Sendable {
            case new
            case modify(TradovateTerms)
            case cancel
            /// The fees of a fill.
            case fees(fill: Int64)
        }
        let kind: Kind
        let orderID: Int64
        let commandID: Int64
        let due: MonotonicInstant
    }

    struct State {
        var tables = TradovateTables()
        var nextID: Int64 = 210_518
        var terms: [Int64: TradovateTerms] = [:]
        /// The exchange's order of a venue's order, and back.
        var exchangeID: [Int64: Int64] = [:]
        var orderID: [Int64: Int64] = [:]
        /// Exchange orders whose acceptance was told.
        var isTold: Set<Int64> = []
        var isBusy: Set<Int64> = []
        var hiddenUntil: [Int64: MonotonicInstant] = [:]
        var refusals: [(reason: String, text: String)] = []
        var exchangeRefusals: [Int64: ExchangeRefusal] = [:]
        /// Cancels that came after the end of their order.
        var lateCancels: Set<Int64> = []
        var peaks: [Int64: Price] = [:]
        var subscribers: [Int: (accounts: Set<Int64>, output: AsyncStream<[EntityEvent]>.Continuation)] = [:]
        var nextSubscriber = 0
        /// The last event of the exchange that was told whole, by account.
        var settledEvents: [String: Int64] = [:]
        /// The last event of the exchange that a request or an order of the venue's own has caused, by account.
        var causedEvents: [String: Int64] = [:]
        var resets = 0
    }

    let exchange: SimulatedExchange
    let market: TradovateMarket
    let accounts: [Account]
    let settings: Settings
    let clock: any TradingClock
    let state = Mutex(State())
    private let ended = EndedSubscribers()
    let decisions: AsyncStream<Decision>
    let decide: AsyncStream<Decision>.Continuation

    init(exchange: SimulatedExchange, market: TradovateMarket, settings: Settings, clock: any TradingClock) {
        self.exchange = exchange
        self.market = market
        self.settings = settings
        self.clock = clock
        accounts = settings.accounts.enumerated().map { Account(id: Int64(25 + $0), name: $1) }
        (decisions, decide) = AsyncStream.makeStream(of: Decision.self, bufferingPolicy: .bufferingOldest(100_000))
        state.withLock { fill(&$0.tables) }
    }

    func reset() {
        state.withLock { state in
            let (subscribers, resets) = (state.subscribers, state.resets)
            state = State()
            state.resets = resets + 1
            // Ids go on rising, so that a client that lived through the reset sees no old one again.
            state.nextID = 1_000_000 + clock.wallTime.milliseconds % 1_000_000_000
            state.subscribers = subscribers
            fill(&state.tables)
        }
    }

    private func fill(_ tables: inout TradovateTables) {
        for account in accounts {
            tables["account", account.id] = .object([
                "id": .integer(account.id), "name": .string(account.name), "userId": 15460, "accountType": "Customer", "active": true,
                "clearingHouseId": 2, "riskCategoryId": 3, "autoLiqProfileId": 21, "marginAccountType": "Speculator",
                "legalStatus": "Individual", "timestamp": "2026-01-05T14:00:00.000Z", "restricted": false, "closed": false,
            ])
            tables["cashBalance", 900 + account.id] = .object([
                "id": .integer(900 + account.id), "accountId": .integer(account.id), "timestamp": .time(clock.wallTime), "currencyId": 1,
                "amount": .decimal(settings.cash),
            ])
        }
        for entity in market.contractEntities { tables["contract", entity["id"]?.integer ?? 0] = entity }
        for entity in market.maturityEntities { tables["contractMaturity", entity["id"]?.integer ?? 0] = entity }
        for entity in TradovateMarket.productEntities { tables["product", entity["id"]?.integer ?? 0] = entity }
    }

    // MARK: Reads

    /// A read of entities: `list`, `item`, `items`, `deps`, `ldeps`, `find` or `suggest`. Nil if there is no such call; `.null` for what is not there.
    func read(_ kind: String, _ call: String, _ parameters: [String: String], isStale: Bool = false) -> JSONValue? {
        let ids = { (name: String) in Set((parameters[name] ?? "").split(separator: ",").compactMap { Int64($0) }) }
        let tables = visibleTables()
        switch call {
        case "list": return .array(tables.list(kind))
        case "item": return tables[kind, ids("id").first ?? 0].map { isStale ? stale($0) : $0 } ?? .null
        case "items": return .array(ids("ids").sorted().compactMap { tables[kind, $0] }.map { isStale ? stale($0) : $0 })
        case "deps": return .array(tables.children(kind, of: ids("masterid")).map { isStale ? stale($0) : $0 })
        case "ldeps": return .array(tables.children(kind, of: ids("masterids")))
        case "find": return tables.list(kind).first { $0["name"]?.string == parameters["name"] } ?? .null
        case "suggest":
            let found = tables.list(kind).filter { $0["name"]?.string?.hasPrefix(parameters["t"] ?? "") == true }
            return .array(Array(found.prefix(parameters["l"].flatMap { Int($0) } ?? 10)))
        default: return nil
        }
    }

    /// An order as it stood when it was taken.
    private func stale(_ entity: JSONValue) -> JSONValue {
        entity["ordStatus"] == nil ? entity : entity.setting("ordStatus", "PendingNew")
    }

    /// Without the orders that queries do not show yet, and without what belongs to them.
    private func visibleTables() -> TradovateTables {
        let now = clock.monotonic
        return state.withLock { state in
            state.hiddenUntil = state.hiddenUntil.filter { $0.value > now }
            guard !state.hiddenUntil.isEmpty else { return state.tables }
            var tables = state.tables
            for id in state.hiddenUntil.keys {
                tables["order", id] = nil
                for kind in ["command", "orderVersion", "fill"] {
                    for child in tables.children(kind, of: [id]) { tables[kind, child["id"]?.integer ?? 0] = nil }
                }
            }
            return tables
        }
    }

    /// What a stream begins with, of these accounts.
    func snapshot(of accounts: Set<Int64>) -> JSONValue {
        let tables = state.withLock { $0.tables }
        let orders = tables.children("order", of: accounts)
        let orderIDs = Set(orders.compactMap { $0["id"]?.integer })
        let commands = tables.children("command", of: orderIDs)
        let commandIDs = Set(commands.compactMap { $0["id"]?.integer })
        return .object([
            "users": [], "accounts": .array(tables.list("account")), "orders": .array(orders),
            "orderVersions": .array(tables.children("orderVersion", of: orderIDs)), "commands": .array(commands),
            "commandReports": .array(tables.children("commandReport", of: commandIDs)),
            "executionReports": .array(tables.children("executionReport", of: commandIDs)), "fills": .array(tables.children("fill", of: orderIDs)),
            "positions": .array(tables.children("position", of: accounts)), "cashBalances": .array(tables.children("cashBalance", of: accounts)),
        ])
    }

    // MARK: Events

    /// What happens to these accounts from now on; the entities that changed together come together.
    func events(of accounts: Set<Int64>) -> AsyncStream<[EntityEvent]> {
        let (stream, output) = AsyncStream.makeStream(of: [EntityEvent].self, bufferingPolicy: .bufferingOldest(100_000))
        let number = state.withLock { state in
            defer { state.nextSubscriber += 1 }
            state.subscribers[state.nextSubscriber] = (accounts, output)
            return state.nextSubscriber
        }
        output.onTermination = { [ended] _ in ended.add(number) }
        return stream
    }

    /// Streams that are open.
    var subscriberCount: Int {
        state.withLock { state in
            for number in ended.take() { state.subscribers[number] = nil }
            return state.subscribers.count
        }
    }

    /// Keeps the entities and tells them. Called with the lock held; `yield` does not suspend.
    func tell(_ events: [EntityEvent], account: Int64, in state: inout State) {
        for event in events { if let id = event.entity["id"]?.integer { state.tables[event.kind, id] = event.entity } }
        for number in ended.take() { state.subscribers[number] = nil }
        for subscriber in state.subscribers.values where subscriber.accounts.contains(account) { subscriber.output.yield(events) }
    }

    func makeID(in state: inout State) -> Int64 {
        defer { state.nextID += 1 }
        return state.nextID
    }

    func account(_ id: Int64?) -> Account? { accounts.first { $0.id == id } }
}

/// The terms of an order as they came over the wire.
struct TradovateTerms: Sendable {
    var quantity: Quantity
    var type: String
    var price: Price?
    var stopPrice: Price?
    var pegDifference: Price?
    var timeInForce: String
    var text: String?
    let contract: TradovateMarket.Contract
    let side: Side
    let account: Int64
    let clientID: String
    var parent: Int64?
    var sibling: Int64?
}
