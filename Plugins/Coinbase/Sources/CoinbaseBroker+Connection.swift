import AdapterKit
import BrokerContract
import TradingModel

extension CoinbaseBroker {
    public func run() async throws(BrokerError) {
        do {
            try await prepare()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.maintain() }
                group.addTask { try await self.tellFills() }
                group.addTask { try await self.tellBrackets() }
                group.addTask { try await self.holdStream() }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch let error as BrokerError where error.kind != .cancelled {
            noteStream(isUp: false, detail: error.message)
            throw error
        } catch {
            // Cancellation: the only other way out.
            noteStream(isUp: false, detail: "stopped")
        }
    }

    /// How often the venue's clock is read again.
    private static let timePeriod = Duration.seconds(180)
    private static let rulesPeriod = Duration.seconds(1800)
    /// A key is given up only after this many refusals in a row, each with a clock that was just read: the venue gives no reasons.
    private static let keyRefusalLimit = 3

    /// Clock, key and rules, however long it takes: without them nothing can be signed or checked.
    private func prepare() async throws {
        var backoff = ReconnectBackoff()
        var refusals = 0
        while true {
            do {
                // The first sample also holds the time of connecting; the best of three counts.
                for _ in 0..<3 { _ = try await client.measureTime() }
                try await checkKey()
                try await readRules()
                return
            } catch {
                try Task.checkCancellation()
                if let error = error as? BrokerError {
                    if error.kind == .unauthenticated { refusals += 1 } else { refusals = 0 }
                    let isFinal = error.kind == .rejected(.permissionDenied) || error.kind == .unsupported
                    if isFinal || refusals >= Self.keyRefusalLimit { throw error }
                }
                noteStream(isUp: false, detail: "\(error)")
                logger.debug("venue not reachable", metadata: ["error": "\(error)"])
                try await clock.sleep(for: backoff.next())
            }
        }
    }

    /// A key belongs to one portfolio and may lack the right to trade; neither can be mended from here.
    private func checkKey() async throws(BrokerError) {
        let key = try await client.query("/key_permissions", as: CoinbaseKeyReply.self)
        guard key.can_trade != false else {
            throw BrokerError(.rejected(.permissionDenied), effect: .refused, "the key may not trade")
        }
        if let wanted = client.portfolio, let own = key.portfolio_uuid?.lowercased(), own != wanted {
            throw BrokerError(
                .rejected(.permissionDenied), effect: .refused, "the key belongs to the portfolio \(own), the configuration names \(wanted)")
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

    private static let productPageSize = 1000

    private func readRules() async throws {
        var products: [Symbol: CoinbaseProduct] = [:]
        var seen: Set<String> = []
        while true {
            let page = try await client.publicQuery(
                "/market/products",
                [("product_type", "SPOT"), ("limit", String(Self.productPageSize)), ("offset", String(seen.count))],
                as: CoinbaseProductsReply.self
            ).products
            let before = seen.count
            for row in page {
                seen.insert(row.product_id)
                // A product whose rules cannot be read is left out: no order is sent for it.
                guard row.product_type ?? "SPOT" == "SPOT", let product = try? row.product() else { continue }
                products[product.instrument.symbol] = product
            }
            // A page that brings nothing new ends the list, even if the venue ignores the offset.
            if page.count < Self.productPageSize || seen.count == before { break }
        }
        let read = products
        state.withLock { state in
            state.products = read
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
                try await stream.run { event in
                    switch event {
                    case .subscribed:
                        accepted.set()
                        self.noteStream(isUp: true, detail: "connected")
                        self.outlet.yield(.connected)
                    case .gap(let reason): self.outlet.yield(.gap(reason: reason))
                    case .order(let update, let sentAt): self.tell(update, sentAt: sentAt)
                    }
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
                if case CoinbaseStream.End.keyRefused = error {
                    client.time.doubt()
                    refusals += 1
                    if refusals >= Self.keyRefusalLimit, !everSubscribed.isSet {
                        throw BrokerError(.unauthenticated, effect: .refused, reason)
                    }
                }
                if accepted.isSet, clock.monotonic - startedAt >= .seconds(30) { backoff.reset() }
                try await clock.sleep(for: backoff.next())
            }
        }
    }

    private func tell(_ update: CoinbaseOrderUpdate, sentAt: Timestamp) {
        do {
            var report = try update.report(sentAt: sentAt)
            let kind = state.withLock { $0.kind(of: report.venueOrderID, report.clientOrderID) }
            // An order that this process does not know may be a bracket, which is told as its legs.
            let isWithheld = kind == nil || kind == .attached
            if kind != .plain, !bracketFeed.note(.init(id: report.venueOrderID, isWithheld: isWithheld)) {
                outlet.yield(.gap(reason: "too many orders have to be read"))
            }
            guard !isWithheld else { return }
            // The channel may tell a product by its other name.
            if let id = report.clientOrderID, let symbol = state.withLock({ $0.known[id]?.symbol }), symbol != report.symbol {
                report = report.renamed(symbol)
            }
            tell(report)
        } catch {
            outlet.yield(.gap(reason: "an order event could not be read"))
        }
    }

    func tell(_ report: OrderReport) {
        outlet.yield(.order(report))
        if !fillFeed.note(report) { outlet.yield(.gap(reason: "executions of an order were not read")) }
    }

    /// Orders whose executions are read at once.
    private static let parallelReadings = 4

    private func tellFills() async throws {
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            for await order in fillFeed.requests() {
                if running >= Self.parallelReadings {
                    await group.next()
                    running -= 1
                }
                running += 1
                group.addTask { await self.tellFills(of: order) }
            }
            group.cancelAll()
        }
        throw CancellationError()
    }

    private func tellFills(of order: OrderReference) async {
        do {
            for fill in try await fills(of: order) where fillFeed.isNew(fill.executionID) { outlet.yield(.fill(fill)) }
        } catch {
            if !Task.isCancelled { outlet.yield(.gap(reason: "executions of an order could not be read")) }
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
        case CoinbaseStream.End.ended(let text): text
        case CoinbaseStream.End.keyRefused(let text): "the venue refuses the key: \(text)"
        default: "\(error)"
        }
    }
}

extension OrderReport {
    fileprivate func renamed(_ symbol: Symbol) -> OrderReport {
        OrderReport(
            venueOrderID: venueOrderID, clientOrderID: clientOrderID, symbol: symbol, side: side, type: type, status: status,
            venueStatus: venueStatus, quantity: quantity, limitPrice: limitPrice, stopPrice: stopPrice, filledQuantity: filledQuantity,
            averagePrice: averagePrice, reason: reason, updatedAt: updatedAt)
    }
}
