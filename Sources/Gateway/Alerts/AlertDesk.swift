import Logging
import StoreContract
import TradingModel

/// Raises and resolves alerts: stored, logged, and by the journal on the event stream.
///
/// The same alert is written at most once a second. A store that fails never stops the caller: the alert is then only logged.
actor AlertDesk {
    private let store: any OrderStore
    private let clock: any TradingClock
    private let logger: Logger
    private var lastRaised: [String: MonotonicInstant] = [:]
    /// What this process raised and has not resolved; bounded like ``lastRaised``.
    private var open: Set<String> = []

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
        do {
            try await store.raise(AlertDraft(type: type, severity: severity, subject: subject, message: message), at: clock.wallTime)
        } catch {
            logger.error("alert not stored", metadata: ["type": .string(type), "subject": .string(subject), "error": .string("\(error)")])
        }
    }

    /// Resolves what this process raised; costs nothing if it did not.
    func clear(_ type: String, subject: String) async {
        if open.contains("\(type) \(subject)") { await resolve(type, subject: subject) }
    }

    func resolve(_ type: String, subject: String) async {
        lastRaised["\(type) \(subject)"] = nil
        open.remove("\(type) \(subject)")
        do { try await store.resolveAlert(type: type, subject: subject, at: clock.wallTime) } catch {
            logger.warning("alert not resolved", metadata: ["type": .string(type), "subject": .string(subject), "error": .string("\(error)")])
        }
    }
}
