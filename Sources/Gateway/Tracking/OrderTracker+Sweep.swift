import BrokerContract
import Logging
import OrderFlow
import StoreContract
import TradingModel

/// The account's open orders as one list, again and again: a stream that loses events goes on to look alive by its heartbeats.
extension OrderTracker {
    /// Beyond so many orders the list is asked for first, and only what it does not settle one by one: venues limit questions.
    static let fewOrders = 20

    /// Compares the list with what is watched, at an interval and whenever events may be missing.
    func runSweeps() async throws {
        var next = clock.monotonic
        var pace = SweepPace()
        while !Task.isCancelled {
            if watches.isEmpty { await sweepMailbox.wait() }
            if sweepIsWanted || clock.monotonic >= next {
                sweepIsWanted = false
                let asked = clock.monotonic
                let isHeldBack = await sweep()
                let least = streamIsUp ? settings.tracking.sweepInterval : .seconds(1)
                pace.note(isHeldBack: isHeldBack, least: least)
                // However long the list of an account grows, reading it takes no more than a twentieth of the time.
                let now = clock.monotonic
                next = now + max(pace.isSlowed ? host.part(0.8...1.2, of: pace.pause) : least, (now - asked) * 20)
            }
            try await clock.sleep(for: .milliseconds(250))
        }
        throw CancellationError()
    }

    /// When a resting order is asked about by itself, if events about it may be missing: first the list has its turn where there are many.
    func firstQuestion(about watch: Watch, among count: Int) -> Duration {
        watch.isResting && count > Self.fewOrders ? settings.tracking.sweepInterval + .seconds(1) : .zero
    }

    /// Asks soon about each order that the list shows otherwise than the record, or no more; what it shows as recorded is known to live.
    ///
    /// The list itself changes no order: one that is missing in it may have ended in any way, and a list that could not be read says
    /// nothing.
    ///
    /// - Returns: Whether the venue's limit did not allow it.
    func sweep() async -> Bool {
        let before = watches.values.filter(\.isResting)
        let isMany = before.count > Self.fewOrders
        // A few are asked about each second while the stream is down, and at once when they are taken over.
        guard !before.isEmpty, streamIsUp || isMany else { return false }
        let asked = clock.monotonic
        let listed: [OrderReport]
        do { listed = try await broker.openOrders() } catch {
            logger.debug("open orders not read", metadata: ["error": .string("\(error)")])
            if case .rateLimited = error.kind { return true }
            return false
        }
        let reports = Dictionary(listed.compactMap { report in report.clientOrderID.map { ($0, report) } }, uniquingKeysWith: better)
        for old in before {
            // What has changed meanwhile was told by somebody else.
            guard var watch = watches[old.order.id], watch.order.version == old.order.version else { continue }
            if let report = reports[watch.order.clientOrderID] {
                watch.isUnlisted = false
                if report.filledQuantity > watch.order.filledQuantity {
                    watch.nextCheck = asked
                } else {
                    watch.holdsAccount = false
                    if isMany { watch.nextCheck = max(watch.nextCheck, asked + settings.tracking.backgroundInterval) }
                }
            } else {
                // Not every venue lists every order that it has: what an answer showed to be alive is not asked about again for that.
                if !watch.isUnlisted { watch.nextCheck = asked }
                watch.isUnlisted = true
            }
            watches[old.order.id] = watch
        }
        return false
    }
}

/// How long to wait between two readings of the list of open orders.
///
/// Accounts behind one address share the venue's limit: each slows down where its reading is held back, and they find a pace at which
/// the list is not all that is ever asked for.
struct SweepPace {
    static let longest = Duration.seconds(60)
    private(set) var pause = Duration.zero
    private(set) var isSlowed = false

    /// - Parameters:
    ///   - isHeldBack: The venue's limit did not allow the last reading.
    ///   - least: The pause where nothing holds back.
    mutating func note(isHeldBack: Bool, least: Duration) {
        pause = isHeldBack ? min(max(pause, least) * 2, Self.longest) : max(pause * 3 / 4, least)
        isSlowed = pause > least
    }
}
