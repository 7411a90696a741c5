import BrokerContract
import OrderFlow
import StoreContract
import TradingModel

/// One order that is looked after, and when it is next asked about.
struct Watch: Sendable {
    var order: OrderRecord
    /// The instrument's base asset, in which fees may be taken.
    var base: Asset?
    let startedAt: MonotonicInstant
    var nextCheck: MonotonicInstant
    var checks = 0
    var isChecking = false
    /// New orders of the account wait until this one is resolved: it is from before the start.
    var holdsAccount = false
    /// The record says permitted, but nobody will record an outcome any more.
    var isInDoubt = false
    /// When the questions were asked that got complete negative answers, since the last answer of another kind.
    var negatives: [MonotonicInstant] = []
    /// The state in which it was when it came under watch.
    let firstState: OrderState
    /// What the venue said last when it was asked, and when.
    var lastAnswer: (answer: CheckAnswer, at: Timestamp)?
    /// The venue's list of open orders did not show it when it was last read.
    var isUnlisted = false

    init(_ order: OrderRecord, base: Asset?, now: MonotonicInstant, firstCheckAfter delay: Duration) {
        self.order = order
        firstState = order.state
        self.base = base
        startedAt = now
        nextCheck = now + delay
    }

    /// Whether evidence must be gathered, and nothing may be concluded meanwhile.
    var isDoubtful: Bool {
        switch order.state {
        case .unknown, .resolving: true
        case .permitted: isInDoubt
        default: false
        }
    }

    /// Whether it may fill at any time, while it is asked about seldom.
    var isResting: Bool { order.type != .market && (order.state == .accepted || order.state == .partiallyFilled) }

    /// How long until the next look at an order that the venue has.
    func interval(_ settings: TrackingSettings, streamIsUp: Bool) -> Duration {
        if order.state == .cancelPending { return settings.immediateInterval }
        let scheduled: Duration =
            switch order.type {
            case .market:
                checks < settings.immediateChecks
                    ? settings.immediateInterval
                    : checks < settings.immediateChecks + Int(settings.monitorPeriod / settings.monitorInterval)
                        ? settings.monitorInterval : settings.backgroundInterval
            case .limit, .stop, .stopLimit, .trailingStop: settings.backgroundInterval
            }
        // Without the stream, asking is the only way to know.
        return streamIsUp ? scheduled : min(scheduled, .seconds(1))
    }
}
