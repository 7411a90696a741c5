import Synchronization
import TradingModel

/// An ``ExchangeCore`` that many connections use at once, and that tells each account's events in their order.
public final class SimulatedExchange: Sendable {
    /// Events that a slow subscriber may be behind; at this bound its stream ends, as a venue drops a slow reader.
    static let eventBufferLimit = 100_000

    private struct State {
        var core: ExchangeCore
        var subscribers: [Int: Subscriber] = [:]
        var nextSubscriber = 0
    }

    private struct Subscriber {
        let account: String
        let continuation: AsyncStream<[ExchangeEvent]>.Continuation
    }

    private let state: Mutex<State>
    private let ended = EndedSubscribers()
    private let clock: any TradingClock

    public init(_ settings: ExchangeCore.Settings, clock: any TradingClock) {
        state = Mutex(State(core: ExchangeCore(settings)))
        self.clock = clock
    }

    public var now: Timestamp { clock.wallTime }

    /// Reads the exchange as it stands.
    public func read<T: Sendable>(_ body: (borrowing ExchangeCore) -> T) -> T { state.withLock { body($0.core) } }

    /// Takes an order; the events that it caused come back and go to the account's subscribers.
    public func place(_ request: OrderRequest) throws(ExchangeRefusal) -> [ExchangeEvent] {
        try change { core, now throws(ExchangeRefusal) in try core.place(request, at: now) }
    }

    /// Cancels one open order, and with it the list that it may belong to.
    public func cancel(_ id: Int64, account: String, cancelID: String? = nil) throws(ExchangeRefusal) -> ExchangeEvent {
        let events = try change { core, now throws(ExchangeRefusal) in
            guard let order = core.order(id), !order.status.isTerminal, let list = order.listID else {
                return [try core.cancel(id, account: account, cancelID: cancelID, at: now)]
            }
            return try core.cancelList(list, account: account, cancelID: cancelID, at: now)
        }
        guard let event = events.first(where: { $0.order.id == id }) else { throw .noSuchOpenOrder }
        return event
    }

    /// Takes several orders as one.
    public func place(_ request: OrderListRequest) throws(ExchangeRefusal) -> [ExchangeEvent] {
        try change { core, now throws(ExchangeRefusal) in try core.place(request, at: now) }
    }

    public func cancelList(_ id: Int64, account: String, cancelID: String? = nil) throws(ExchangeRefusal) -> [ExchangeEvent] {
        try change { core, now throws(ExchangeRefusal) in try core.cancelList(id, account: account, cancelID: cancelID, at: now) }
    }

    /// Changes an open order in place.
    @discardableResult
    public func amend(_ id: Int64, account: String, to terms: Amendment) throws(ExchangeRefusal) -> [ExchangeEvent] {
        try change { core, now throws(ExchangeRefusal) in try core.amend(id, account: account, to: terms, at: now) }
    }

    /// Lowers the quantity of an open order in place.
    @discardableResult
    public func reduce(_ id: Int64, account: String, to quantity: Quantity) throws(ExchangeRefusal) -> [ExchangeEvent] {
        try change { core, now throws(ExchangeRefusal) in try core.reduce(id, account: account, to: quantity, at: now) }
    }

    /// Changes the terms of an open order, which keeps its id. Only the trades that this caused are told as events.
    @discardableResult
    public func amend(
        _ id: Int64, account: String, quantity: Quantity? = nil, limitPrice: Price? = nil, stopPrice: Price? = nil
    ) throws(ExchangeRefusal) -> [ExchangeEvent] {
        try change { core, now throws(ExchangeRefusal) in
            try core.amend(id, account: account, quantity: quantity, limitPrice: limitPrice, stopPrice: stopPrice, at: now)
        }
    }

    @discardableResult
    public func setPrice(_ price: Price, of symbol: Symbol) throws(ExchangeRefusal) -> [ExchangeEvent] {
        try change { core, now throws(ExchangeRefusal) in try core.setPrice(price, of: symbol, at: now) }
    }

    @discardableResult
    public func setLiquidity(_ quantity: Quantity?, of symbol: Symbol) throws(ExchangeRefusal) -> [ExchangeEvent] {
        try change { core, now throws(ExchangeRefusal) in try core.setLiquidity(quantity, of: symbol, at: now) }
    }

    @discardableResult
    public func fill(_ id: Int64, quantity: Quantity) throws(ExchangeRefusal) -> [ExchangeEvent] {
        try change { core, now throws(ExchangeRefusal) in try core.fill(id, quantity: quantity, at: now) }
    }

    /// Forgets all orders, balances and prices; subscribers stay.
    public func reset() { state.withLock { $0.core.reset() } }

    /// The account's events from now on, those of one request together. Ends when the reader is too slow or cancelled.
    public func events(of account: String) -> AsyncStream<[ExchangeEvent]> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: [ExchangeEvent].self, bufferingPolicy: .bufferingOldest(Self.eventBufferLimit))
        let number = state.withLock { state in
            defer { state.nextSubscriber += 1 }
            state.subscribers[state.nextSubscriber] = Subscriber(account: account, continuation: continuation)
            return state.nextSubscriber
        }
        continuation.onTermination = { [ended] _ in ended.add(number) }
        return stream
    }

    /// Told while the lock is held, so that all subscribers see one order of events. `yield` does not suspend.
    private func change(
        _ body: (inout ExchangeCore, Timestamp) throws(ExchangeRefusal) -> [ExchangeEvent]
    ) throws(ExchangeRefusal) -> [ExchangeEvent] {
        let now = clock.wallTime
        let (result, overflowed) = state.withLock { state -> (Result<[ExchangeEvent], ExchangeRefusal>, [AsyncStream<[ExchangeEvent]>.Continuation]) in
            do throws(ExchangeRefusal) {
                let events = try body(&state.core, now)
                for number in ended.take() { state.subscribers[number] = nil }
                var overflowed: [AsyncStream<[ExchangeEvent]>.Continuation] = []
                for subscriber in state.subscribers.values {
                    let own = events.filter { $0.order.account == subscriber.account }
                    guard !own.isEmpty else { continue }
                    if case .dropped = subscriber.continuation.yield(own) { overflowed.append(subscriber.continuation) }
                }
                return (.success(events), overflowed)
            } catch {
                return (.failure(error), [])
            }
        }
        for continuation in overflowed { continuation.finish() }
        return try result.get()
    }
}
