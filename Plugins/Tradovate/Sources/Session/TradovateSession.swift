import AdapterKit
import BrokerContract
import Foundation
import Logging
import Synchronization
import TradingModel

/// The session of one user: one token, one limiter, one stream, for all of the user's accounts.
final class TradovateSession: Sendable {
    private struct Member {
        let accountID: Int64
        let outlet: EventOutlet
    }

    private struct State {
        var accounts: [TradovateAccount]?
        var members: [Int: Member] = [:]
        var nextMember = 0
        var book = EntityBook()
        var streamIsUp = false
        var detail = "starting"
        /// Somebody drives the session now.
        var isDriven = false
        /// What no attempt can mend.
        var failure: BrokerError?
    }

    let api: TradovateAPI
    let directory: ContractDirectory
    private let keeper: TokenKeeper
    private let stream: TradovateStream
    private let clock: any TradingClock
    private let logger: Logger
    private let state: Mutex<State>

    init(_ configuration: TradovateConfiguration, clock: any TradingClock, logger: Logger) throws(BrokerError) {
        guard let webSocket = configuration.webSocket else {
            throw BrokerError(.invalidRequest, effect: .notSent, "the WebSocket endpoint is missing")
        }
        let api = try TradovateAPI(configuration, clock: clock)
        let notes = Notes()
        self.api = api
        self.clock = clock
        self.logger = logger
        self.notes = notes
        state = Mutex(State())
        directory = ContractDirectory(api: api, clock: clock)
        keeper = TokenKeeper(api: api, credentials: configuration.credentials, clock: clock) { notes.set($0) }
        stream = TradovateStream(
            url: webSocket, api: api, clock: clock, connectTimeout: configuration.connectTimeout,
            silenceLimit: configuration.streamSilenceLimit)
    }

    /// What the keeper of the token waits for, for people.
    private final class Notes: Sendable {
        private let text = Mutex("starting")
        var current: String { text.withLock { $0 } }
        func set(_ words: String) { text.withLock { $0 = words } }
    }
    private let notes: Notes

    // MARK: Members

    /// The user's accounts; nil until they were read.
    var accounts: [TradovateAccount]? { state.withLock { $0.accounts } }

    var streamIsUp: Bool { state.withLock { $0.streamIsUp } }

    var detail: String { state.withLock { $0.streamIsUp ? "connected" : $0.detail } + (api.token.current == nil ? "; \(notes.current)" : "") }

    /// Sends the account's events to the outlet from now on, beginning with `connected` if the stream is up.
    func attach(_ accountID: Int64, _ outlet: EventOutlet) -> Int {
        state.withLock { state in
            defer { state.nextMember += 1 }
            state.members[state.nextMember] = Member(accountID: accountID, outlet: outlet)
            if state.streamIsUp { outlet.yield(.connected) }
            return state.nextMember
        }
    }

    func detach(_ member: Int) { state.withLock { _ = $0.members.removeValue(forKey: member) } }

    /// Net positions by contract, as the stream told them. Nil while it is down.
    func netPositions(of accountID: Int64) -> [Int64: Quantity]? {
        state.withLock { $0.streamIsUp ? $0.book.positions[accountID] ?? [:] : nil }
    }

    /// What the stream told about one order.
    func join(of orderID: Int64) -> OrderJoin? { state.withLock { $0.book.joins[orderID] } }

    // MARK: Driving

    /// Keeps the session up. Of several callers one drives at a time; when it is cancelled, the next one takes over.
    func run() async throws {
        while true {
            let (mayDrive, failure) = state.withLock { state in
                guard !state.isDriven, state.failure == nil else { return (false, state.failure) }
                state.isDriven = true
                return (true, nil)
            }
            if let failure { throw failure }
            if mayDrive {
                defer { state.withLock { $0.isDriven = false } }
                do { try await drive() } catch let error as BrokerError where error.kind == .unauthenticated {
                    state.withLock { $0.failure = error }
                    throw error
                }
            }
            try await clock.sleep(for: .milliseconds(100))
        }
    }

    private func drive() async throws {
        if api.token.current == nil { try await keeper.logIn() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.keeper.keepAlive() }
            group.addTask { try await self.holdStream() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func holdStream() async throws {
        var backoff = ReconnectBackoff()
        while true {
            let startedAt = clock.monotonic
            do {
                let accounts = try await api.list("/account/list", priority: .urgent).map(TradovateAccount.init)
                state.withLock { $0.accounts = accounts }
                try await stream.run(accounts: accounts.map(\.id)) { snapshot in
                    try self.begin(snapshot)
                } onChanges: { changes in
                    await self.apply(changes)
                }
            } catch {
                let wasUp = end(reason: "\(error)", isCancelled: Task.isCancelled)
                try Task.checkCancellation()
                logger.debug("stream ended", metadata: ["error": "\(error)"])
                if wasUp, clock.monotonic - startedAt >= .seconds(30) { backoff.reset() }
                // Above a quota an early return only costs another connection.
                if case TradovateStream.End.quota = error { try await clock.sleep(for: .seconds(60)) }
                try await clock.sleep(for: backoff.next())
            }
        }
    }

    private func begin(_ snapshot: [EntityChange]) throws {
        var book = EntityBook()
        for change in snapshot {
            do { _ = try book.apply(change) } catch {
                // The stream is a hint: what cannot be read here is read by a query, or shows there.
                logger.debug("an entity of the snapshot could not be read", metadata: ["type": "\(change.type)", "error": "\(error)"])
            }
        }
        book.countAllAsTold()
        let outlets = state.withLock { state in
            state.book = book
            state.streamIsUp = true
            return state.members.values.map(\.outlet)
        }
        for outlet in outlets { outlet.yield(.connected) }
    }

    /// Returns whether the stream was up.
    private func end(reason: String, isCancelled: Bool) -> Bool {
        let (wasUp, outlets) = state.withLock { state in
            defer {
                state.streamIsUp = false
                state.detail = isCancelled ? "stopped" : reason
            }
            return (state.streamIsUp, state.members.values.map(\.outlet))
        }
        if wasUp {
            for outlet in outlets {
                outlet.yield(.disconnected(reason: reason))
                outlet.yield(.gap(reason: reason))
            }
        }
        return wasUp
    }

    // MARK: Telling

    private func apply(_ changes: [EntityChange]) async {
        var touched: [Int64] = []
        var unreadable = false
        state.withLock { state in
            for change in changes {
                do {
                    if let id = try state.book.apply(change), !touched.contains(id) { touched.append(id) }
                } catch { unreadable = true }
            }
        }
        if unreadable { tellAll(.gap(reason: "an event could not be read")) }
        for id in touched { await tell(id) }
    }

    /// Tells the order as it is now joined, and its new fills before it. Nothing is told before the order itself is known, and its terms:
    /// they name the symbol by which it was asked for, and under the contract's own name it would be another order.
    private func tell(_ orderID: Int64) async {
        guard let known = join(of: orderID), let order = known.order else { return }
        guard !known.versions.isEmpty else {
            if !known.fills.isEmpty { tell(order.accountID, [.gap(reason: "the terms of an order that trades were not told")]) }
            return
        }
        let listing: Listing
        do { listing = try await directory.listing(order.contractID) } catch {
            return tell(order.accountID, [.gap(reason: "the contract of an order could not be read")])
        }
        let (join, fills) = state.withLock { state in (state.book.joins[orderID], state.book.takeUntoldFills(of: orderID)) }
        guard let join else { return }
        var events = fills.map { BrokerEvent.fill(join.fill($0, listing)) }
        do { events.append(.order(try join.report(listing))) } catch { events.append(.gap(reason: "an order event could not be read")) }
        tell(order.accountID, events)
    }

    private func tell(_ accountID: Int64, _ events: [BrokerEvent]) {
        let outlets = state.withLock { $0.members.values.filter { $0.accountID == accountID }.map(\.outlet) }
        for outlet in outlets { for event in events { outlet.yield(event) } }
    }

    private func tellAll(_ event: BrokerEvent) {
        for outlet in state.withLock({ $0.members.values.map(\.outlet) }) { outlet.yield(event) }
    }
}
