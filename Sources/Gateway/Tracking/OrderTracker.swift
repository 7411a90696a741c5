import BrokerContract
import Logging
import OrderFlow
import StoreContract
import TradingModel

/// Brings what the venue says into the store: stream events, checks on a schedule, and the resolution of unknown outcomes.
///
/// The stream is a hint, queries are the truth; both go through the same reducer, in any order and any number of times.
actor OrderTracker {
    let account: AccountID
    let settings: GatewaySettings
    let broker: any Broker
    let store: any OrderStore
    let alerts: AlertDesk
    let clock: any TradingClock
    let logger: Logger
    let host: any GatewayHost
    nonisolated let mailbox = Mailbox()
    nonisolated let checkMailbox = Mailbox()
    nonisolated let sweepMailbox = Mailbox()
    /// Events may be missing: the list of open orders is read at once.
    var sweepIsWanted = false

    var watches: [OrderID: Watch] = [:] {
        didSet {
            nothingDueBefore = nil
            knownRecovering = nil
        }
    }
    /// As counted last; nil since a watch changed. An account may have hundreds of orders that rest, and these are asked for all the time.
    var nothingDueBefore: MonotonicInstant?
    private var knownRecovering: Bool?
    var byClientOrderID: [ClientOrderID: OrderID] = [:]
    var inbox: [BrokerEvent] = []
    static let inboxLimit = 10_000
    var streamIsUp = false
    var grant: (@Sendable () async -> TenureKeeper.Grant?)?
    var lose: (@Sendable (Tenure, String) async -> Void)?
    var onAbsent: (@Sendable (OrderRecord) async -> Void)?
    var isFirstRecovery = true
    /// The stale orders as they were last told; nil after the account came to us, so that what its last holder left open is cleared.
    var toldStale: [String]? = []
    var staleLook: MonotonicInstant?
    /// What was missed has to be caught up by queries before anything is sent.
    let catchUp: CatchUp
    /// Told of what is not ours.
    var onStranger: (@Sendable (BrokerEvent) async -> Void)?
    /// Told of every order whose record may have changed.
    var onChange: (@Sendable (OrderRecord) -> Void)?

    init(
        account: AccountID, settings: GatewaySettings, broker: any Broker, store: any OrderStore, catchUp: CatchUp, alerts: AlertDesk,
        clock: any TradingClock, logger: Logger, host: any GatewayHost
    ) {
        self.catchUp = catchUp
        self.account = account
        self.settings = settings
        self.broker = broker
        self.store = store
        self.alerts = alerts
        self.clock = clock
        self.logger = logger
        self.host = host
    }

    /// Connects the tracker with the keeper of the tenure and with the desk, which are made after it.
    func connect(
        grant: @escaping @Sendable () async -> TenureKeeper.Grant?, lose: @escaping @Sendable (Tenure, String) async -> Void,
        onAbsent: @escaping @Sendable (OrderRecord) async -> Void, onChange: @escaping @Sendable (OrderRecord) -> Void,
        onStranger: @escaping @Sendable (BrokerEvent) async -> Void
    ) {
        self.onStranger = onStranger
        self.onChange = onChange
        self.grant = grant
        self.lose = lose
        self.onAbsent = onAbsent
    }

    /// Orders from before the start are not resolved yet.
    var isRecovering: Bool {
        if let knownRecovering { return knownRecovering }
        let isRecovering = watches.values.contains(where: \.holdsAccount)
        knownRecovering = isRecovering
        return isRecovering
    }
    var isIdle: Bool { watches.isEmpty && inbox.isEmpty }
    var open: Int { watches.count }

    // MARK: What is watched

    /// Takes over the account's open orders under a new tenure, before anybody works under it.
    /// - Returns: Orders that wait to be sent.
    func recover(under tenure: Tenure, predecessorUnclosed: Bool) async throws(StoreError) -> [OrderRecord] {
        let now = clock.monotonic
        var waiting: [OrderRecord] = []
        let open = try await store.openOrders(of: account)
        // No permit of an earlier tenure can be committed any more, so what is not open now was ended by somebody else meanwhile.
        let stillOpen = Set(open.map(\.id))
        for (id, watch) in watches where !stillOpen.contains(id) {
            watches[id] = nil
            byClientOrderID[watch.order.clientOrderID] = nil
        }
        for var order in open {
            // What becomes known of their entry settles these; it is open too, and is taken over here.
            if order.bracketRole != nil, BracketFollowing.states.contains(order.state) { continue }
            // What another gateway has found out meanwhile ends the doubt here too.
            if let watch = watches[order.id], watch.order.version < order.version { await note(order) }
            switch order.state {
            case .queued, .absent:
                waiting.append(order)
                continue
            case .permitted:
                let at = clock.wallTime
                order = try await store.update(order.id, under: tenure, at: at) { snapshot in
                    guard let attempt = snapshot.attempts.last, attempt.outcome == nil, attempt.fence < tenure.fence else { return nil }
                    return OrderReducer.lost(.processDied, "the process that had the permit ended before it recorded an outcome", snapshot, at: at)
                }
                // What is known here of an earlier attempt says nothing of this one: its doubt begins anew, with questions of its own.
                if order.state != .permitted { watches[order.id] = nil }
            default: break
            }
            guard watches[order.id] == nil else { continue }
            var watch = Watch(order, base: nil, now: now, firstCheckAfter: .zero)
            watch.nextCheck = now + firstQuestion(about: watch, among: open.count)
            watch.holdsAccount = (isFirstRecovery || predecessorUnclosed) && order.state != .parked
            add(watch)
        }
        isFirstRecovery = false
        toldStale = nil
        checkMailbox.signal()
        sweepIsWanted = true
        return waiting
    }

    /// An order is about to be sent.
    func expect(_ order: OrderRecord, base: Asset?) {
        add(Watch(order, base: base, now: clock.monotonic, firstCheckAfter: settings.sendWindow + .seconds(60)))
    }

    func add(_ watch: Watch) {
        watches[watch.order.id] = watch
        byClientOrderID[watch.order.clientOrderID] = watch.order.id
        checkMailbox.signal()
        sweepMailbox.signal()
    }

    /// The order's record changed.
    func note(_ order: OrderRecord) async {
        onChange?(order)
        guard var watch = watches[order.id], order.version >= watch.order.version else { return }
        let wasDoubtful = watch.isDoubtful
        watch.order = order
        if order.state.isTerminal || order.state == .absent || order.state == .queued {
            watches[order.id] = nil
            byClientOrderID[order.clientOrderID] = nil
        } else {
            if order.state != .permitted { watch.isInDoubt = false }
            if watch.isDoubtful, !wasDoubtful {
                watch.checks = 0
                watch.negatives = []
                watch.nextCheck = clock.monotonic
            } else if !watch.isDoubtful {
                watch.holdsAccount = false
                watch.nextCheck = min(watch.nextCheck, clock.monotonic + watch.interval(settings.tracking, streamIsUp: streamIsUp))
            }
            watches[order.id] = watch
        }
        if wasDoubtful, !watch.isDoubtful || order.state.isTerminal || order.state == .absent {
            await alerts.resolve("unknown_order", subject: "order:\(order.id)")
        }
        if order.bracket != nil || order.bracketRole != nil { await lookAtBracket(of: order) }
    }

    /// The outcome of a permit could not be recorded: only evidence can settle it.
    func doubt(_ id: OrderID) {
        guard var watch = watches[id] else { return }
        watch.isInDoubt = true
        watch.nextCheck = clock.monotonic
        watches[id] = watch
    }
}
