import BrokerContract
import FailPoints
import Logging
import OrderFlow
import StoreContract
import Synchronization
import TradingModel

/// Looks after positions of one account whose stops the gateway itself places.
///
/// What is to be done is decided by ``ProtectionDecision`` inside the store's transaction, so that a crash at any point leaves either
/// nothing or an order with its step; the orders go the way of all orders. Told of a change it looks at once, else once a second.
actor ProtectionKeeper {
    private let account: AccountID
    private let isExpected: Bool
    private let broker: any Broker
    private let store: any OrderStore
    private let keeper: TenureKeeper
    private let desk: AccountDesk
    private let tracker: OrderTracker
    private let canceller: OrderCanceller
    private let alerts: AlertDesk
    private let clock: any TradingClock
    private let logger: Logger

    /// Something may have changed since the last look.
    private nonisolated let isTold = Mutex(true)
    private var lastLook: MonotonicInstant?
    /// Positions without their stop, as of the last look.
    private var unprotected: [EpisodeRecord] = []
    private var hasEpisodes = true
    private var sendableSince: Timestamp?
    private var alerted: Set<EpisodeID> = []

    /// - Parameter isExpected: A strategy has its stops kept by the gateway here. Otherwise only what is left of earlier ones is looked for.
    init(
        account: AccountID, isExpected: Bool, broker: any Broker, store: any OrderStore, keeper: TenureKeeper, desk: AccountDesk,
        tracker: OrderTracker, canceller: OrderCanceller, alerts: AlertDesk, clock: any TradingClock, logger: Logger
    ) {
        self.account = account
        self.isExpected = isExpected
        self.broker = broker
        self.store = store
        self.keeper = keeper
        self.desk = desk
        self.tracker = tracker
        self.canceller = canceller
        self.alerts = alerts
        self.clock = clock
        self.logger = logger
    }

    /// Whether everything that is held has its stop.
    var isIdle: Bool { unprotected.isEmpty }

    /// An order's record may have changed.
    nonisolated func note(_ order: OrderRecord) {
        guard order.policy.protection != nil || order.purpose != .signal || order.reduceOnly else { return }
        isTold.withLock { $0 = true }
    }

    func run() async throws {
        while true {
            try await clock.sleep(for: .milliseconds(25))
            let now = clock.monotonic
            let isTold = self.isTold.withLock { isTold in
                defer { isTold = false }
                return isTold
            }
            await noteReachability()
            let pause: Duration = unprotected.isEmpty ? .seconds(1) : .milliseconds(100)
            guard isTold || (isExpected || hasEpisodes) && lastLook.map({ now - $0 >= pause }) ?? true else { continue }
            lastLook = now
            await look(wasTold: isTold)
        }
    }

    private func noteReachability() async {
        let health = await broker.health
        let isSendable = health.isConnected && health.rulesAreLoaded
        if !isSendable { sendableSince = nil } else if sendableSince == nil { sendableSince = clock.wallTime }
    }

    /// - Parameter wasTold: Something of ours changed. Otherwise only positions are tended that are not as they are to be: others may be in
    ///   the hands of another gateway, whose account is not to be asked for.
    private func look(wasTold: Bool) async {
        let episodes: [EpisodeRecord]
        do { episodes = try await store.episodes(account: account, includeEnded: false, limit: 10_000).filter { $0.protection != nil } } catch {
            // Positions may be without a stop, and nobody can say: the next look comes soon.
            logger.warning("episodes not read", metadata: ["error": .string("\(error)")])
            isTold.withLock { $0 = true }
            return
        }
        hasEpisodes = !episodes.isEmpty
        unprotected = episodes.filter { $0.unprotectedSince != nil }
        for id in alerted where !unprotected.contains(where: { $0.id == id }) {
            alerted.remove(id)
            await alerts.resolve("position_unprotected", subject: "episode:\(id)")
        }
        for episode in episodes {
            await alertIfLate(episode)
            if wasTold || episode.state != .active { await tend(episode) }
        }
    }

    private func alertIfLate(_ episode: EpisodeRecord) async {
        guard let since = episode.unprotectedSince, let protection = episode.protection, clock.wallTime - since >= protection.stopWithin,
            alerted.insert(episode.id).inserted
        else { return }
        await alerts.raise(
            "position_unprotected", .critical, subject: "episode:\(episode.id)",
            "\(account) \(episode.symbol): what order \(episode.entryID) opened has no stop \(protection.stopWithin) after its fill"
                + (sendableSince == nil ? "; nothing can be sent to the venue now" : ""))
    }

    private func tend(_ episode: EpisodeRecord) async {
        guard let instrument = try? await broker.instrument(episode.symbol), let grant = await keeper.grant() else { return }
        let isRecovering = await tracker.isRecovering
        let decision = ProtectionDecision(
            instrument: instrument, capabilities: broker.capabilities, rules: broker.semantics.clientOrderIDRules,
            sendableSince: isRecovering || clock.monotonic < grant.permitsFrom ? nil : sendableSince)
        do {
            guard let work = try await store.tend(episode.id, under: grant.tenure, at: clock.wallTime, deciding: { decision.decide($0) }) else { return }
            failPoint("protection.decided")
            for order in work.orders { await desk.enqueue(order) }
            for id in work.cancels { await cancel(id) }
            isTold.withLock { $0 = true }
        } catch {
            if case .fenced = error { await keeper.lose(grant.tenure, "\(error)") }
            if case .notFound = error { return }
            logger.warning("episode not tended, will be tried again", metadata: ["episode": .string(episode.id.rawValue), "error": .string("\(error)")])
        }
    }

    /// Cancels the stops and targets of a symbol, for an order that is to leave the position.
    func clearTheWay(of symbol: Symbol) async {
        guard let open = try? await store.openOrders(of: account) else { return }
        for order in open where order.symbol == symbol && order.isProtective && order.attempts > 0 { await cancel(order) }
    }

    private func cancel(_ id: OrderID) async {
        guard let order = try? await store.order(id)?.order else { return }
        await cancel(order)
    }

    /// A cancel that the venue has not answered yet is asked for again after a while.
    private func cancel(_ order: OrderRecord) async {
        if order.state == .cancelPending, clock.wallTime - order.updatedAt < .seconds(2) { return }
        _ = try? await canceller.cancel(order.id, by: "the gateway, to leave or to protect the position anew")
    }
}
