import BrokerContract
import FailPoints
import Logging
import OrderFlow
import StoreContract
import TradingModel

/// What became of a wish to cancel an order.
public enum Cancellation: Sendable {
    case noSuchOrder
    /// It had ended before; nothing was done.
    case ended(OrderRecord)
    /// It was not at the venue and never will be.
    case withdrawn(OrderRecord)
    /// The venue confirmed the cancel, took it, or may have taken it. Unless the record has ended, it says `cancel_pending` until the
    /// venue shows how it ended; an order that is still open 10 s later lives on, with an alert.
    case asked(OrderRecord)
    /// What the venue has is not known yet.
    case undecided(OrderRecord)
    /// The venue said no; the order lives on.
    case refused(OrderRecord, String)
    /// Nothing left this process.
    case notSent(String)
}

/// Cancels orders of one account. A cancel needs no permit: a second one does no harm. It needs the account's tenure, so that its record
/// is fenced like every other.
struct OrderCanceller: Sendable {
    let broker: any Broker
    let store: any OrderStore
    let keeper: TenureKeeper
    let desk: AccountDesk
    let tracker: OrderTracker
    let sendWindow: Duration
    let clock: any TradingClock
    let logger: Logger

    /// The wish is on disk before the first byte leaves. Repeating it is safe: an order that is `cancel_pending` is asked for again.
    ///
    /// - Parameter who: For the record; no secret.
    func cancel(_ id: OrderID, by who: String) async throws(StoreError) -> Cancellation {
        guard let order = try await store.order(id)?.order else { return .noSuchOrder }
        switch Cancelling.step(order) {
        case .ended: return .ended(order)
        case .undecided: return .undecided(order)
        case .withdraw, .ask: break
        }
        guard let grant = await keeper.grant() else { return .notSent(TenureKeeper.noAccount) }
        let wished: OrderRecord
        do {
            let at = clock.wallTime
            wished = try await store.update(id, under: grant.tenure, at: at) { Cancelling.wished($0, by: who, at: at) }
        } catch {
            guard case .fenced = error else { throw error }
            await keeper.lose(grant.tenure, "\(error)")
            return .notSent("the account went to another gateway meanwhile")
        }
        failPoint("cancel.recorded")
        await tracker.note(wished)
        guard wished.state == .cancelPending else {
            guard wished.state.isTerminal else { return .undecided(wished) }
            await desk.forget(wished)
            return wished.reason == "cancelled" ? .withdrawn(wished) : .ended(wished)
        }
        return try await ask(wished, grant)
    }

    private func ask(_ order: OrderRecord, _ grant: TenureKeeper.Grant) async throws(StoreError) -> Cancellation {
        guard let reference = await tracker.reference(to: order, venueOrderID: order.venueOrderID) else {
            return .notSent("the order's entry could not be read; ask again")
        }
        let window = SendWindow(notAfter: min(clock.monotonic + sendWindow, grant.validUntil))
        let outcome =
            window.isOpen(at: clock.monotonic)
            ? await broker.cancel(reference, within: window) : .notSent(.windowClosed, Evidence(mayHaveLeft: false, message: "the lease was at its end"))
        failPoint("cancel.asked")
        logger.info("cancel", metadata: ["order_id": .string(order.id.rawValue), "outcome": .string("\(outcome)")])
        switch outcome {
        case .cancelled(let report?, _): await tracker.learn(order.id, report)
        case .cancelled(nil, _), .requested, .notOpen, .unknown: break
        case .refused(let reason, let evidence):
            let why = "\(reason.code): \(evidence.message ?? reason.description)"
            return .refused(await tracker.liveOn(order.id, reason: "cancel_refused", detail: why) ?? order, why)
        case .notSent(let reason, let evidence):
            let why = "\(reason.rawValue): \(evidence.message ?? "nothing was sent")"
            _ = await tracker.liveOn(order.id, reason: "cancel_not_sent", detail: why)
            return .notSent(why)
        }
        // However it was answered: the venue's own record says how the order ended.
        await tracker.ask(order.id)
        return .asked(try await store.order(order.id)?.order ?? order)
    }
}
