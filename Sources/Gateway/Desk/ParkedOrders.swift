import BrokerContract
import FailPoints
import Logging
import OrderFlow
import StoreContract
import Synchronization
import TradingModel

/// What became of a person's decision about a parked order.
public enum DecisionOutcome: Sendable {
    case noSuchOrder
    /// It is carried out and on disk.
    case done(OrderRecord)
    /// Nothing was done, and why.
    case objected(OrderRecord, String)
    /// This gateway cannot work the account now; nothing was done.
    case notNow(String)
}

/// Carries out what a person decides about parked orders of one account: under the account's tenure, and after asking the venue.
struct ParkedOrders: Sendable {
    let broker: any Broker
    let store: any OrderStore
    let keeper: TenureKeeper
    let desk: AccountDesk
    let tracker: OrderTracker
    let alerts: AlertDesk
    let clock: any TradingClock
    let logger: Logger

    /// A repeat finds the order not parked any more, and does nothing.
    ///
    /// - Parameter venueOrderID: Where the venue knows the order under an id that the record does not have.
    func decide(
        _ id: OrderID, _ decision: ParkedDecision, venueOrderID: VenueOrderID?, by person: Deciding.Operator
    ) async throws(StoreError) -> DecisionOutcome {
        guard let order = try await store.order(id)?.order else { return .noSuchOrder }
        guard order.state == .parked else { return .objected(order, "the order is \(order.state.rawValue), not parked") }
        guard let grant = await keeper.grant() else { return .notNow(TenureKeeper.noAccount) }
        let answer = await ask(order, venueOrderID ?? order.venueOrderID)
        if let objection = Deciding.objection(decision, to: order, answer) { return .objected(order, objection) }
        let base = (try? await broker.instrument(order.symbol))?.base
        failPoint("decision.asked")
        let at = clock.wallTime
        // The run that was committed is the last one.
        let isCarriedOut = Mutex(false)
        let decided: OrderRecord
        do {
            decided = try await store.update(id, under: grant.tenure, at: at) { snapshot in
                let change = Deciding.change(decision, of: snapshot, answer, by: person, base: base, at: at)
                isCarriedOut.withLock { $0 = change != nil }
                return change
            }
        } catch {
            guard case .fenced = error else { throw error }
            await keeper.lose(grant.tenure, "\(error)")
            return .notNow("the account went to another gateway meanwhile")
        }
        failPoint("decision.recorded")
        await tracker.note(decided)
        guard isCarriedOut.withLock({ $0 }) else {
            let news = decided.state == .parked ? "what is known of the order changed: look at it again" : "the order became \(decided.state.rawValue), by another decision or by what the venue told"
            return .objected(decided, "meanwhile \(news)")
        }
        logger.notice("decision", metadata: ["order_id": .string(id.rawValue), "decision": .string(decision.rawValue), "actor": .string(person.actor)])
        switch decision {
        case .adopt: await tracker.ask(id)
        case .resend: await desk.enqueue(decided)
        case .abandon: break
        }
        await alerts.resolve("parked_order", subject: "order:\(id)")
        await alerts.resolve("foreign_order", subject: "order:\(id)")
        return .done(decided)
    }

    private func ask(_ order: OrderRecord, _ venueOrderID: VenueOrderID?) async -> Deciding.VenueAnswer {
        guard let reference = await tracker.reference(to: order, venueOrderID: venueOrderID) else { return .noAnswer("the order's entry could not be read") }
        switch await broker.lookup(reference) {
        case .found(let report):
            guard report.filledQuantity > 0, let found = await tracker.reference(to: order, venueOrderID: report.venueOrderID) else {
                return .found(report, fills: [])
            }
            do { return .found(report, fills: try await broker.fills(of: found)) } catch { return .noAnswer("its fills could not be read: \(error)") }
        case .notFound(let complete, _):
            return .notFound(complete: complete)
        case .indeterminate(let cause, let evidence): return .noAnswer("\(cause.rawValue): \(evidence.message ?? "")")
        }
    }
}
