import AdapterKit
import BrokerContract
import TradingModel

extension TradovateBroker {
    public func place(_ order: NewOrder, within window: SendWindow) async -> PlaceOutcome {
        await place(order.clientOrderID, order.symbol, within: window) { () throws(TradovateOrderRequest.Refusal) in
            try TradovateOrderRequest.check(order)
        } making: { (listing, account) throws(TradovateOrderRequest.Refusal) in
            try TradovateOrderRequest(order, listing: listing, account: account)
        }
    }

    public func placeExitPair(_ pair: ExitPair, within window: SendWindow) async -> PlaceOutcome {
        await place(pair.id, pair.symbol, within: window) { () throws(TradovateOrderRequest.Refusal) in
            try TradovateOrderRequest.check(pair)
        } making: { (listing, account) throws(TradovateOrderRequest.Refusal) in
            try TradovateOrderRequest(pair, listing: listing, account: account)
        }
    }

    private func place(
        _ id: ClientOrderID, _ symbol: Symbol, within window: SendWindow, checking check: () throws(TradovateOrderRequest.Refusal) -> Void,
        making make: (Listing, TradovateAccount) throws(TradovateOrderRequest.Refusal) -> TradovateOrderRequest
    ) async -> PlaceOutcome {
        guard state.withLock({ $0.placing.insert(id).inserted }) else {
            return .notSent(.alreadyPlacing, Evidence(mayHaveLeft: false))
        }
        defer { state.withLock { _ = $0.placing.remove(id) } }
        let session: TradovateSession
        let request: TradovateOrderRequest
        let priority: OutboundLimiter.Priority
        do {
            try check()
            let (live, account) = try connected()
            session = live
            let listing = try await live.directory.listing(symbol, roll: configuration.roll)
            let held = live.netPositions(of: account.id) ?? [:]
            try await checkRoll(symbol, listing, held: held, directory: live.directory)
            request = try make(listing, account)
            priority = Self.isExit(request.order, held: held[listing.contract.id]) ? .urgent : .normal
        } catch let refusal as TradovateOrderRequest.Refusal {
            return .notSent(refusal.reason, Evidence(mayHaveLeft: false, message: refusal.message))
        } catch let error as BrokerError {
            return .notSent(Self.reason(error), Evidence(mayHaveLeft: false, message: error.message))
        } catch {
            return .notSent(.notConnected, Evidence(mayHaveLeft: false, message: "\(error)"))
        }
        switch await session.api.command(request.path, request.body, priority: priority, within: window) {
        case .replied(let reply): return TradovateOutcomes.place(TradovateReply(reply), for: request, at: clock.wallTime)
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    public func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome {
        let session: TradovateSession
        let id: Int64
        do {
            session = try connected().session
            guard let known = try await orderID(of: order) else {
                return .notSent(.notConnected, Evidence(mayHaveLeft: false, message: "the venue does not show the order yet, and cancels by its own id only"))
            }
            id = known
        } catch {
            return .notSent(Self.reason(error), Evidence(mayHaveLeft: false, message: error.message))
        }
        let body = WireJSON.object(["orderId": .integer(id), "isAutomated": true])
        switch await session.api.command("/order/cancelorder", body, priority: .urgent, within: window) {
        case .replied(let reply): return TradovateOutcomes.cancel(TradovateReply(reply))
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    /// Cancels and exits may use what is reserved of the request limit. An exit only makes a position smaller.
    static func isExit(_ order: NewOrder, held: Quantity?) -> Bool {
        guard let held, !held.isZero, order.bracket == nil else { return false }
        return (held > 0) == (order.side == .sell) && order.quantity <= held.magnitude
    }

    /// A position is not carried over a roll. While one is left in another month, an order under the same name would not close it but
    /// open a second one.
    func checkRoll(
        _ symbol: Symbol, _ listing: Listing, held: [Int64: Quantity], directory: ContractDirectory
    ) async throws {
        guard symbol != listing.name else { return }
        for contractID in held.keys.sorted() where contractID != listing.contract.id {
            let other = try await directory.listing(contractID)
            guard other.product.id == listing.product.id else { continue }
            throw TradovateOrderRequest.Refusal(
                reason: .invalid,
                message: "\(symbol) means \(listing.name) now, but the account still holds \(other.name): close that by its own name first")
        }
    }

    /// Why nothing was sent, from an error of what had to be asked before.
    static func reason(_ error: BrokerError) -> NotSentReason {
        switch error.kind {
        case .notFound, .invalidRequest: .invalid
        case .unsupported: .unsupported
        case .rateLimited: .throttled
        case .cancelled: .cancelled
        default: .notConnected
        }
    }
}
