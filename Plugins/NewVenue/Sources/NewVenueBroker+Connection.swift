import AdapterKit
import BrokerContract
import TradingModel

// Level 1, connects. What is left to build: `check` and `readRules`.
extension NewVenueBroker {
    /// Proves that the venue answers and takes the key, by its cheapest request that needs the key.
    func check() async throws(BrokerError) {
        throw .notBuilt("NewVenueBroker.check()")
    }

    /// The venue's instruments with their rules. One that cannot be read is left out: no order is sent for it.
    func readRules() async throws(BrokerError) -> [Instrument] {
        throw .notBuilt("NewVenueBroker.readRules()")
    }

    /// How often a connection that seems to stand is proved.
    private static let checkPeriod = Duration.seconds(3)
    private static let rulesPeriod = Duration.seconds(1800)

    public func run() async throws(BrokerError) {
        do {
            try await hold()
        } catch let error as BrokerError where error.kind != .cancelled {
            note(isConnected: false, detail: error.message)
            throw error
        } catch {
            // Cancellation: the only other way out.
            note(isConnected: false, detail: "stopped")
        }
    }

    private func hold() async throws {
        var backoff = ReconnectBackoff()
        while true {
            do {
                try await check()
                keep(try await readRules())
                note(isConnected: true, detail: "connected")
                outlet.yield(.connected)
                backoff.reset()
                try await watch()
            } catch let error as BrokerError where !Self.isFinal(error) {
                try Task.checkCancellation()
                logger.debug("venue not reachable", metadata: ["error": "\(error)"])
                if state.withLock({ $0.isConnected }) { outlet.yield(.disconnected(reason: error.message)) }
                note(isConnected: false, detail: error.message)
                try await clock.sleep(for: backoff.next())
            }
        }
    }

    /// Returns never; throws when the venue no longer answers.
    private func watch() async throws {
        var rulesReadAt = clock.monotonic
        while true {
            try await clock.sleep(for: Self.checkPeriod)
            outlet.settle()
            try await check()
            if clock.monotonic - rulesReadAt >= Self.rulesPeriod {
                keep(try await readRules())
                rulesReadAt = clock.monotonic
            }
        }
    }

    /// Whether no new attempt can mend it.
    private static func isFinal(_ error: BrokerError) -> Bool {
        switch error.kind {
        case .unsupported, .unauthenticated, .invalidRequest: true
        default: false
        }
    }

    private func keep(_ instruments: [Instrument]) {
        state.withLock { state in
            state.instruments = Dictionary(instruments.map { ($0.symbol, $0) }) { first, _ in first }
            state.rulesAreLoaded = true
        }
    }

    private func note(isConnected: Bool, detail: String) {
        state.withLock { state in
            state.isConnected = isConnected
            state.detail = detail
        }
    }
}
