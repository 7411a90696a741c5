import AdapterKit
import BrokerContract
import TradingModel

extension BinanceBroker {
    public func run() async throws(BrokerError) {
        do {
            try await prepare()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.maintain() }
                group.addTask { try await self.holdStream() }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch let error as BrokerError where error.kind != .cancelled {
            throw error
        } catch {
            // Cancellation: the only other way out.
            noteStream(isUp: false, detail: "stopped")
        }
    }

    /// How often the venue's clock is read again.
    private static let timePeriod = Duration.seconds(180)
    private static let rulesPeriod = Duration.seconds(1800)
    /// A key is given up only after this many refusals in a row, because a banned address may hear the same words.
    private static let keyRefusalLimit = 3

    /// Clock and rules, however long it takes: without them nothing can be signed or checked.
    private func prepare() async throws {
        var backoff = ReconnectBackoff()
        while true {
            do {
                // The first sample also holds the time of connecting; the best of three counts.
                for _ in 0..<3 { _ = try await client.measureTime() }
                try await readRules()
                try await checkPositionMode()
                return
            } catch let error as BrokerError where error.kind == .unsupported {
                throw error
            } catch {
                try Task.checkCancellation()
                noteStream(isUp: false, detail: "\(error)")
                logger.debug("venue not reachable", metadata: ["error": "\(error)"])
                try await clock.sleep(for: backoff.next())
            }
        }
    }

    private func maintain() async throws {
        while true {
            try await clock.sleep(for: .seconds(1))
            outlet.settle()
            let rulesAreOld = state.withLock { state in
                state.rulesReadAt.map { clock.monotonic - $0 >= Self.rulesPeriod } ?? true
            }
            do {
                if client.time.needsMeasuring(after: Self.timePeriod) { _ = try await client.measureTime() }
                if rulesAreOld { try await readRules() }
            } catch {
                try Task.checkCancellation()
                logger.debug("venue not reachable", metadata: ["error": "\(error)"])
                try await clock.sleep(for: .seconds(5))
            }
        }
    }

    private func readRules() async throws {
        let info = try await client.publicQuery(
            dialect.paths.exchangeInfo, weight: dialect.product == .spot ? 20 : 1, limit: 64 << 20, as: BinanceExchangeInfoReply.self)
        var rules: [Symbol: BinanceSymbolRules] = [:]
        for symbol in info.symbols {
            // A symbol whose rules cannot be read is left out: no order is sent for it.
            guard let read = try? symbol.rules() else { continue }
            rules[read.instrument.symbol] = read
        }
        let limits = (info.rateLimits ?? []).compactMap(\.limitOfVenue)
        if !limits.isEmpty { await client.limits.replace(limits) }
        state.withLock { state in
            state.rules = rules
            state.rulesReadAt = clock.monotonic
        }
    }

    private func holdStream() async throws {
        var backoff = ReconnectBackoff()
        var refusals = 0
        while true {
            let startedAt = clock.monotonic
            let accepted = SubscriptionFlag()
            do {
                // A connection costs weight, and during a ban even an attempt prolongs it.
                try await client.admit(2, priority: .urgent)
                try await stream.run {
                    accepted.set()
                    self.noteStream(isUp: true, detail: "connected")
                    self.outlet.yield(.connected)
                } onExecution: { report in
                    self.tell(report)
                }
            } catch {
                try Task.checkCancellation()
                let reason = Self.words(for: error)
                noteStream(isUp: false, detail: reason)
                if accepted.isSet {
                    refusals = 0
                    everSubscribed.set()
                    outlet.yield(.disconnected(reason: reason))
                    outlet.yield(.gap(reason: reason))
                }
                if case BinanceStreamEnd.keyRefused(let reply) = error, !everSubscribed.isSet {
                    refusals += 1
                    if refusals >= Self.keyRefusalLimit {
                        throw BrokerError(.unauthenticated, effect: .refused, "the venue refuses the key: \(reply.code) \(reply.msg)")
                    }
                }
                if accepted.isSet, clock.monotonic - startedAt >= .seconds(30) { backoff.reset() }
                try await clock.sleep(for: backoff.next())
            }
        }
    }

    private func tell(_ execution: BinanceExecutionReport) {
        do {
            let report = try execution.report()
            if let fill = try execution.fill() { outlet.yield(.fill(fill)) }
            outlet.yield(.order(report))
        } catch {
            outlet.yield(.gap(reason: "an order event could not be read"))
        }
    }

    private func noteStream(isUp: Bool, detail: String) {
        state.withLock { state in
            state.streamIsUp = isUp
            state.detail = detail
        }
    }

    private static func words(for error: any Error) -> String {
        switch error {
        case BinanceStreamEnd.ended(let text): text
        case BinanceStreamEnd.keyRefused(let reply): "the venue refuses the key: \(reply.code) \(reply.msg)"
        default: "\(error)"
        }
    }
}
