import Logging
import StoreContract
import TradingModel

/// Raises and resolves alerts: stored, logged, and by the journal on the event stream.
///
/// The same alert is written at most once a second. A store that fails never stops the caller: the alert is logged at once, and stored
/// with its own time when the store takes it.
actor AlertDesk {
    /// What the store shall come to know of one alert.
    private struct Unsaved {
        let type: String
        let subject: String
        var draft: AlertDraft?
        var at: Timestamp
        var isResolved = false
        /// Tells a later wish from the one that is being saved.
        var number: Int
    }

    private let store: any OrderStore
    private let clock: any TradingClock
    private let logger: Logger
    private var lastRaised: [String: MonotonicInstant] = [:]
    /// What this process raised and has not resolved; bounded like ``lastRaised``.
    private var open: Set<String> = []
    /// Bounded like ``lastRaised``. Usually empty but for what is being saved.
    private var unsaved: [String: Unsaved] = [:]
    private var wishes = 0

    init(store: any OrderStore, clock: any TradingClock, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
    }

    func raise(_ type: String, _ severity: AlertSeverity, subject: String, _ message: String) async {
        let now = clock.monotonic
        let key = "\(type) \(subject)"
        if let last = lastRaised[key], now - last < .seconds(1) { return }
        if lastRaised.count >= 4096 { lastRaised = lastRaised.filter { now - $0.value < .seconds(1) } }
        lastRaised[key] = now
        if open.count < 4096 { open.insert(key) }
        let level: Logger.Level = severity >= .high ? .error : .warning
        logger.log(level: level, "alert", metadata: ["type": .string(type), "severity": .string(severity.rawValue), "subject": .string(subject), "message": .string(message)])
        wishes += 1
        guard unsaved.count < 4096 || unsaved[key] != nil else { return }
        let draft = AlertDraft(type: type, severity: severity, subject: subject, message: message)
        // The first time stays: it is when the trouble began.
        unsaved[key] = Unsaved(type: type, subject: subject, draft: draft, at: unsaved[key]?.at ?? clock.wallTime, number: wishes)
        await save(key)
    }

    /// Resolves what this process raised; costs nothing if it did not.
    func clear(_ type: String, subject: String) async {
        if open.contains("\(type) \(subject)") { await resolve(type, subject: subject) }
    }

    func resolve(_ type: String, subject: String) async {
        let key = "\(type) \(subject)"
        lastRaised[key] = nil
        open.remove(key)
        wishes += 1
        guard unsaved.count < 4096 || unsaved[key] != nil else { return }
        var wish = unsaved[key] ?? Unsaved(type: type, subject: subject, at: clock.wallTime, number: wishes)
        wish.isResolved = true
        wish.number = wishes
        unsaved[key] = wish
        await save(key)
    }

    /// Stores what the store did not take before.
    func saveLate() async {
        for key in unsaved.keys.sorted() { guard await save(key) else { return } }
    }

    /// False if the store does not take it now; it stays unsaved.
    @discardableResult
    private func save(_ key: String) async -> Bool {
        guard let wish = unsaved[key] else { return true }
        do {
            if let draft = wish.draft {
                try await store.raise(draft, at: wish.at)
                if unsaved[key]?.number == wish.number { unsaved[key]?.draft = nil }
            }
            if wish.isResolved { try await store.resolveAlert(type: wish.type, subject: wish.subject, at: clock.wallTime) }
            if unsaved[key]?.number == wish.number { unsaved[key] = nil }
            return true
        } catch {
            logger.error("alert not stored yet", metadata: ["type": .string(wish.type), "subject": .string(wish.subject), "error": .string("\(error)")])
            return false
        }
    }
}
