import AdapterKit
import BrokerContract
import TradingModel

// Level 3, trades. What is left to build is in `Mapping`: the request's body, and what a reply says.
extension NewVenueBroker {
    public func place(_ order: NewOrder, within window: SendWindow) async -> PlaceOutcome {
        let request: NewVenueOrderRequest
        do throws(NewVenueOrderRequest.Refusal) {
            request = try NewVenueOrderRequest(order, instrument: try rules(for: order.symbol))
        } catch {
            return .notSent(error.reason, Evidence(mayHaveLeft: false, message: error.message))
        }
        // Claimed before the first suspension: the same order twice at once is one request.
        guard state.withLock({ $0.placing.insert(order.clientOrderID).inserted }) else {
            return .notSent(.alreadyPlacing, Evidence(mayHaveLeft: false))
        }
        defer { state.withLock { _ = $0.placing.remove(order.clientOrderID) } }
        switch await client.command(.post, request.path, body: request.body, priority: .normal, within: window) {
        case .replied(let reply): return NewVenueOutcomes.place(reply, for: order)
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    public func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome {
        guard let path = NewVenueOrderRequest.cancelPath(order) else {
            return .notSent(.unsupported, Evidence(mayHaveLeft: false, message: "cancel is not built yet"))
        }
        switch await client.command(.delete, path, body: nil, priority: .urgent, within: window) {
        case .replied(let reply): return NewVenueOutcomes.cancel(reply, for: order)
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    public func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        .notSent(.unsupported, Evidence(mayHaveLeft: false, message: "replace is not built"))
    }

    private func rules(for symbol: Symbol) throws(NewVenueOrderRequest.Refusal) -> Instrument {
        let (instrument, isLoaded) = state.withLock { ($0.instruments[symbol], $0.rulesAreLoaded) }
        guard isLoaded else { throw .init(reason: .notConnected, message: "the instrument rules are not loaded yet") }
        guard let instrument else { throw .init(reason: .invalid, message: "the venue does not list \(symbol)") }
        return instrument
    }
}
