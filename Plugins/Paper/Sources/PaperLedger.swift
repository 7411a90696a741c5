import BrokerContract
import Dispatch
import Logging
import SimulatorKit
import TradingModel

/// The exchange behind one paper account, and its journal. What is not in the journal has not happened.
actor PaperLedger {
    /// The one account of the exchange.
    static let account = "paper"

    private let executor = LedgerExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let settings: ExchangeCore.Settings
    private let directory: String
    private let clock: any TradingClock
    private let logger: Logger
    private var core: ExchangeCore
    private var journal: PaperJournal?
    /// Set when the journal could not be written: from then on the state in memory proves nothing.
    private var failure: String?

    init(_ settings: ExchangeCore.Settings, directory: String, clock: any TradingClock, logger: Logger) {
        self.settings = settings
        self.directory = directory
        self.clock = clock
        self.logger = logger
        core = ExchangeCore(settings)
    }

    /// Reads the journal, and lets resting orders trade that the configured prices reach; does nothing when it is open.
    /// - Returns: The trades that a changed price made.
    func open() throws(BrokerError) -> [ExchangeEvent] {
        guard journal == nil else { return [] }
        var restored = ExchangeCore(settings)
        do throws(PaperJournal.Problem) {
            let opened = try PaperJournal(directory: directory) { event throws(HistoryError) in try restored.restore(event) }
            if opened.tornBytes > 0 {
                logger.warning("the paper journal ended in the middle of a line; that step had not been answered and is dropped", metadata: ["bytes": "\(opened.tornBytes)"])
            }
            journal = opened
        } catch {
            throw BrokerError(.unavailable, effect: .notSent, "paper journal: \(error)")
        }
        core = restored
        failure = nil
        var reached: [ExchangeEvent] = []
        for (symbol, price) in settings.prices.sorted(by: { $0.key < $1.key }) {
            let step = change(within: nil) { core, now throws(ExchangeRefusal) in try core.setPrice(price, of: symbol, at: now) }
            if case .done(let events) = step { reached += events }
        }
        try checkOpen()
        return reached
    }

    func close() { journal = nil }

    var isOpen: Bool { journal != nil && failure == nil }

    /// Reads the state; throws while the journal is not open.
    func read<T: Sendable>(_ body: @Sendable (ExchangeCore) throws(BrokerError) -> T) throws(BrokerError) -> T {
        try checkOpen()
        return try body(core)
    }

    enum Change: Sendable {
        case done([ExchangeEvent])
        case refused(ExchangeRefusal)
        case windowClosed
        case notOpen
        /// The step may be on the disk or not.
        case journalFailed(String)
    }

    /// Makes one step and puts it on the disk, or makes none.
    func change(
        within window: SendWindow?, _ body: @Sendable (inout ExchangeCore, Timestamp) throws(ExchangeRefusal) -> [ExchangeEvent]
    ) -> Change {
        guard isOpen else { return .notOpen }
        if let window, !window.isOpen(at: clock.monotonic) { return .windowClosed }
        let events: [ExchangeEvent]
        do throws(ExchangeRefusal) { events = try body(&core, clock.wallTime) } catch { return .refused(error) }
        guard !events.isEmpty else { return .done([]) }
        do throws(PaperJournal.Problem) {
            try journal?.append(events)
        } catch {
            failure = "\(error)"
            logger.error("the paper journal cannot be written; the account stops", metadata: ["error": "\(error)"])
            return .journalFailed("\(error)")
        }
        return .done(events)
    }

    private func checkOpen() throws(BrokerError) {
        if let failure { throw BrokerError(.unavailable, effect: .notSent, "paper journal: \(failure)") }
        guard journal != nil else { throw BrokerError(.unavailable, effect: .notSent, "the paper broker is not running") }
    }
}

/// Runs the ledger on a thread of its own: waiting for the disk must not hold a thread of the cooperative pool.
private final class LedgerExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "paper-ledger")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }
}
