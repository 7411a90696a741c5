import BrokerContract
import FailPoints
import Logging
import OrderFlow
import StoreContract
import TradingModel

/// Events of the venue: a hint, applied in batches, one change for each order.
extension OrderTracker {
    /// Receives events for as long as the broker lives.
    func receiveEvents() async throws {
        for await event in broker.events {
            failPoint("tracking.event_received")
            switch event {
            case .order, .fill:
                if inbox.count < Self.inboxLimit {
                    inbox.append(event)
                } else {
                    inbox.removeAll()
                    catchUp.demand("events of the stream were dropped")
                    askAll("the inbox overflowed")
                }
            case .connected:
                streamIsUp = true
                catchUp.demand("the connection is new")
                askAll("connected")
                await alerts.resolve("stream_down", subject: "account:\(account)")
            case .disconnected(let reason):
                streamIsUp = false
                catchUp.demand("the connection was lost")
                askAll("disconnected")
                await alerts.raise("stream_down", .medium, subject: "account:\(account)", "private stream down (\(reason)); asking instead")
            case .gap(let reason):
                catchUp.demand(reason)
                askAll(reason)
            }
            mailbox.signal()
        }
        throw CancellationError()
    }

    /// Events may be missing: every order is asked about now.
    func askAll(_ reason: String) {
        let (now, count) = (clock.monotonic, watches.count)
        sweepIsWanted = true
        for (id, watch) in watches where watch.order.state != .permitted || watch.isInDoubt {
            let due = min(watch.nextCheck, now + firstQuestion(about: watch, among: count))
            watches[id]?.nextCheck = due
        }
        logger.debug("asking about all open orders", metadata: ["reason": .string(reason), "orders": .stringConvertible(watches.count)])
    }

    /// Applies events as they come.
    func applyEvents() async throws {
        while !Task.isCancelled {
            await mailbox.wait()
            while !inbox.isEmpty, !Task.isCancelled {
                let batch = inbox
                inbox.removeAll(keepingCapacity: true)
                await apply(batch)
            }
        }
        throw CancellationError()
    }

    func apply(_ events: [BrokerEvent]) async {
        // One change per order: the best report and all fills together.
        var reports: [OrderID: OrderReport] = [:]
        var fills: [OrderID: [Fill]] = [:]
        var sequence: [OrderID] = []
        for event in events {
            let found: OrderID?
            switch event {
            case .order(let report): found = await identify(report.clientOrderID, report.symbol, report.venueOrderID, event)
            case .fill(let fill): found = await identify(fill.clientOrderID, fill.symbol, fill.venueOrderID, event)
            default: found = nil
            }
            guard let id = found else { continue }
            if reports[id] == nil, fills[id] == nil { sequence.append(id) }
            switch event {
            case .order(let report): reports[id] = reports[id].map { better($0, report) } ?? report
            case .fill(let fill): fills[id, default: []].append(fill)
            default: break
            }
        }
        for id in sequence {
            if await !record(id, report: reports[id], fills: fills[id] ?? []) {
                // Not stored: the query will bring it again.
                watches[id]?.nextCheck = clock.monotonic + .milliseconds(250)
            }
            failPoint("tracking.applied")
        }
    }

    func better(_ a: OrderReport, _ b: OrderReport) -> OrderReport {
        if a.filledQuantity != b.filledQuantity { return a.filledQuantity > b.filledQuantity ? a : b }
        return a.status.isTerminal && !b.status.isTerminal ? a : b
    }

    func identify(_ clientOrderID: ClientOrderID?, _ symbol: Symbol, _ venueOrderID: VenueOrderID, _ event: BrokerEvent) async -> OrderID? {
        if let clientOrderID, let id = byClientOrderID[clientOrderID] { return id }
        do {
            if let clientOrderID, let order = try await store.order(account: account, clientOrderID: clientOrderID) { return order.id }
            if let order = try await store.order(account: account, symbol: symbol, venueOrderID: venueOrderID) { return order.id }
        } catch {
            logger.warning("event not matched, will be asked about", metadata: ["error": .string("\(error)")])
            askAll("the store did not answer")
            return nil
        }
        await onStranger?(event)
        logger.debug("an order that is not ours", metadata: ["account": .string(account.rawValue), "venue_order_id": .string(venueOrderID.rawValue)])
        return nil
    }

    /// Brings evidence into the store. False if it could not be stored.
    @discardableResult
    func record(_ id: OrderID, report: OrderReport?, fills: [Fill]) async -> Bool {
        let base = watches[id]?.base
        let at = clock.wallTime
        return await update(id) { snapshot in OrderReducer.evidence(report, fills: fills, of: snapshot, base: base, at: at) }
    }

    func update(_ id: OrderID, _ reduce: @escaping @Sendable (OrderSnapshot) -> OrderChange?) async -> Bool {
        guard let grant = await grant?() else { return false }
        do {
            let order = try await store.update(id, under: grant.tenure, at: clock.wallTime, reducing: reduce)
            let isWatched = watches[id] != nil
            await note(order)
            // A leg may be told before it is watched, and an entry after it was given up as absent.
            if !isWatched, order.bracket != nil || order.bracketRole != nil { await lookAtBracket(of: order) }
            return true
        } catch {
            if case .fenced = error { await lose?(grant.tenure, "\(error)") }
            logger.warning("evidence not stored, will be gathered again", metadata: ["order_id": .string(id.rawValue), "error": .string("\(error)")])
            return false
        }
    }
}
