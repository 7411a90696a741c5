import AdapterKit
import BrokerContract
import TradingModel

extension TradovateBroker {
    /// `liquidateposition`: the venue cancels the contract's working orders and sends a market order the other way, whose id it answers.
    ///
    /// It takes no client order id, so the order is told under the venue's alone. Source: OpenAPI, `liquidatePosition`, which also says
    /// that the closing is not guaranteed.
    public func closePosition(_ symbol: Symbol, id: ClientOrderID, within window: SendWindow) async -> CloseOutcome {
        let session: TradovateSession
        let account: TradovateAccount
        let listing: Listing
        do {
            (session, account) = try connected()
            listing = try await session.directory.listing(symbol, roll: configuration.roll)
            try await checkRoll(symbol, listing, held: session.netPositions(of: account.id) ?? [:], directory: session.directory)
        } catch let refusal as TradovateOrderRequest.Refusal {
            return .notSent(refusal.reason, Evidence(mayHaveLeft: false, message: refusal.message))
        } catch let error as BrokerError {
            return .notSent(Self.reason(error), Evidence(mayHaveLeft: false, message: error.message))
        } catch {
            return .notSent(.notConnected, Evidence(mayHaveLeft: false, message: "\(error)"))
        }
        // By contract, because one may have two names. A second command on the way would open a position the other way.
        guard state.withLock({ $0.closing.insert(listing.contract.id).inserted }) else {
            return .notSent(.alreadyPlacing, Evidence(mayHaveLeft: false))
        }
        defer { state.withLock { _ = $0.closing.remove(listing.contract.id) } }
        // `admin` is for the risk desk of the venue.
        let body = WireJSON.object([
            "accountId": .integer(account.id), "contractId": .integer(listing.contract.id), "admin": false, "isAutomated": true,
        ])
        switch await session.api.command("/order/liquidateposition", body, priority: .urgent, within: window) {
        case .replied(let reply): return TradovateOutcomes.close(TradovateReply(reply))
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }
}
