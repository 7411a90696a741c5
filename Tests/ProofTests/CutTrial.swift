import BrokerContract
import ConformanceKit
import LockContract
import OrderFlow
import StoreContract
import TestSupport
import TradingModel

/// One order whose request or reply is cut, and what the core makes of it: the reducer and the resolution that the gateway runs, on the
/// real adapter's answers. Only the waiting of the quarantine is left out: its clock is moved on by hand.
struct CutTrial: Sendable {
    enum Ending: String, Sendable {
        /// The reply was read in spite of the cut.
        case accepted
        /// Provably nothing left.
        case notSent = "not sent"
        /// Unknown, and found at the venue.
        case found = "unknown, found"
        /// Unknown, proven absent, and sent again.
        case resent = "unknown, absent, sent again"
        /// Unknown, and left to a person: the venue would execute a resend twice.
        case parked = "unknown, parked"
    }

    struct Wrong: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    let running: SweptVenue.Running
    private let clock = SystemClock()
    private let holder = HolderIdentity(gateway: "sweep", host: "h", processID: 1, processStart: 1, bootID: "b", purpose: "account")

    init(_ running: SweptVenue.Running) { self.running = running }

    func run(_ number: Int, _ fault: WireFault) async throws -> Ending {
        let broker = running.broker
        try await waitUntil("the adapter is connected") { await broker.health.isConnected }
        let order = try NewOrder(
            clientOrderID: running.venue.mintID(number), symbol: running.profile.symbol, side: try await side(), type: .market,
            quantity: running.profile.quantity, timeInForce: running.profile.marketTimeInForce)
        running.proxy.plan(fault, on: running.placements)
        let first = await place(order)
        running.proxy.clearFaults()
        var snapshot = try reduce(first, attempt: 1, of: permitted(order, attempts: []))

        switch first {
        case .accepted:
            try await expect(1, of: order, "the reply says accepted")
            return .accepted
        case .refused: throw Wrong("the venue refused nothing, but the outcome is \(first)")
        case .notSent:
            guard snapshot.order.state == .absent else { throw Wrong("not sent, but the order is \(snapshot.order.state)") }
            try await expect(0, of: order, "nothing was sent")
            return .notSent
        case .unknown: break
        }
        guard snapshot.order.state == .unknown else { throw Wrong("the outcome is unknown, the order \(snapshot.order.state)") }
        if let report = try await find(order, isWhole: fault.isDelivered || fault == .cutRequest(.beforeEnd(0))) {
            let fills = report.filledQuantity > 0 ? try await broker.fills(of: reference(order)) : []
            guard let change = OrderReducer.evidence(report, fills: fills, of: snapshot, base: nil, at: clock.wallTime) else {
                throw Wrong("what was found changes nothing: \(report)")
            }
            guard [.filled, .accepted, .partiallyFilled].contains(change.order.state) else { throw Wrong("found, but the order is \(change.order.state)") }
            try await expect(1, of: order, "it was found")
            return .found
        }
        try await expect(0, of: order, "it was not found")
        switch try await conclusion(snapshot.order) {
        case .park: return .parked
        case .ask: throw Wrong("nothing is concluded from two complete answers")
        case .absent:
            let now = clock.wallTime
            guard let absent = OrderReducer.move(snapshot, to: .absent, reason: "proven_absent", detail: "", at: now), absent.order.state == .absent else {
                throw Wrong("absence is not recorded")
            }
            let second = await place(order)
            guard case .accepted = second else { throw Wrong("sent again, but the outcome is \(second)") }
            snapshot = try reduce(second, attempt: 2, of: permitted(order, attempts: snapshot.attempts))
            try await expect(1, of: order, "it was sent again")
            return .resent
        }
    }

    // MARK: What is sent

    /// Buys and sells take turns, so that the account can always pay.
    private func side() async throws -> Side {
        let held = try await running.controls.orders().reduce(Quantity.zero) { $1.side == .buy ? $0 + $1.filledQuantity : $0 - $1.filledQuantity }
        // A fee may have been taken out of what was bought.
        return held >= running.profile.quantity + running.profile.quantity ? .sell : .buy
    }

    private func place(_ order: NewOrder) async -> PlaceOutcome {
        await running.broker.place(order, within: SendWindow(notAfter: clock.monotonic + .seconds(60)))
    }

    private func reference(_ order: NewOrder) -> OrderReference {
        OrderReference(symbol: order.symbol, clientOrderID: order.clientOrderID, venueOrderID: nil)
    }

    // MARK: What the core makes of it

    private func permitted(_ order: NewOrder, attempts: [AttemptRecord]) -> OrderSnapshot {
        let now = clock.wallTime
        let number = attempts.count + 1
        let attempt = AttemptRecord(
            orderID: "S-000", number: number, fence: FencingToken(epoch: 1, counter: 1), owner: "o", holder: holder, permittedAt: now,
            notAfter: now + .seconds(60), notAfterMonotonic: clock.monotonic + .seconds(60), orderHash: "")
        let record = OrderRecord(
            id: "S-000", signalID: "S", strategy: "sweep", account: "sweep", leg: 0, clientOrderID: order.clientOrderID, symbol: order.symbol,
            signalSymbol: order.symbol.rawValue, side: order.side, type: order.type, timeInForce: order.timeInForce, requestedQuantity: order.quantity,
            quantity: order.quantity, limitPrice: nil, stopPrice: nil, reduceOnly: false, referencePrice: nil, policy: OrderPolicy(), state: .permitted,
            attempts: number, requestID: "r", createdAt: now, updatedAt: now, expiresAt: now + .seconds(600))
        return OrderSnapshot(order: record, attempts: attempts + [attempt], fills: [], position: nil)
    }

    private func reduce(_ outcome: PlaceOutcome, attempt: Int, of snapshot: OrderSnapshot) throws -> OrderSnapshot {
        guard let change = OrderReducer.outcome(outcome, attempt: attempt, of: snapshot, base: nil, at: clock.wallTime) else {
            throw Wrong("the outcome changes nothing: \(outcome)")
        }
        let attempts = snapshot.attempts.map { known in change.attempts.first { $0.number == known.number } ?? known }
        return OrderSnapshot(order: change.order, attempts: attempts, fills: snapshot.fills + change.newFills, position: change.position)
    }

    /// Asks as the gateway does. A venue that has the whole request may still be working on it, so one that must show the order is asked for longer.
    private func find(_ order: NewOrder, isWhole: Bool) async throws -> OrderReport? {
        let end = clock.monotonic + (isWhole ? .seconds(3) : .zero)
        repeat {
            switch await running.broker.lookup(reference(order)) {
            case .found(let report): return report
            case .notFound: if !isWhole { return nil }
            case .indeterminate: break
            }
            try await clock.sleep(for: .milliseconds(50))
        } while clock.monotonic < end || !isWhole
        return nil
    }

    /// Two answers that count, after the time at which anything could still surface.
    private func conclusion(_ order: OrderRecord) async throws -> Resolution.Step {
        let broker = running.broker
        var isComplete = false
        try await waitUntil("the venue answers") {
            switch await broker.lookup(OrderReference(symbol: order.symbol, clientOrderID: order.clientOrderID, venueOrderID: nil)) {
            case .found(let report): throw Wrong("found after it was not found: \(report)")
            case .notFound(let complete, _): isComplete = complete
            case .indeterminate: return false
            }
            return true
        }
        let others = try await broker.openOrders() + broker.orderHistory(order.symbol, since: order.createdAt - .seconds(60))
        if others.contains(where: { $0.clientOrderID == order.clientOrderID }) { throw Wrong("the lists have it, the lookup does not") }
        let window = clock.monotonic
        let resolution = Resolution(semantics: broker.semantics, lastByteBy: window, holderIsDead: false, pauseMargin: .seconds(30))
        let late = window + .seconds(400)
        let answers = isComplete ? [late, late + Resolution.answerSpacing] : []
        // One moment before the second answer counts, nothing may be concluded.
        if isComplete, resolution.next(order: order, asked: 20, negatives: [window, late], since: window, now: late) == .absent(mayResend: true) {
            throw Wrong("absence is concluded from one answer that counts")
        }
        return resolution.next(order: order, asked: 20, negatives: answers, since: window, now: late + Resolution.answerSpacing)
    }

    private func expect(_ count: Int, of order: NewOrder, _ why: String) async throws {
        let taken = try await running.controls.orders().filter { $0.clientOrderID == order.clientOrderID }
        guard taken.count == count else { throw Wrong("\(why), but the venue has it \(taken.count) times") }
    }
}
