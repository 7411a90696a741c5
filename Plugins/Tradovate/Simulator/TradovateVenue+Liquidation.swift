import SimulatorKit
import TradingModel

extension TradovateVenue {
    /// Cancels the contract's working orders and sends a market order the other way. Source: OpenAPI, `liquidatePosition`.
    ///
    /// It counts what was told as held, so two commands at once close twice, and the second one opens a position. What the venue answers where
    /// nothing is held, and what it writes into the order's text, is not published; a text that looks like a client order id is the harder case.
    func liquidate(_ body: JSONValue, fault: Fault?) throws(TradovateRefusal) -> JSONValue {
        guard let account = account(body["accountId"]?.integer) else { throw .failure(reason: "UnknownReason", text: "Access is denied") }
        guard let number = body["contractId"]?.integer, let contract = market.contract(number) else {
            throw .failure(reason: "InvalidContract", text: "Contract \(body["contractId"]?.scalarText ?? "") is not found")
        }
        guard case .boolean(let isAdmin)? = body["admin"] else { throw .violation(field: "admin", text: "admin is required") }
        guard !isAdmin else { throw .failure(reason: "Unauthorized", text: "Access is denied") }
        for id in openOrders(account.id, contract.id) { _ = try? cancel(.object(["orderId": .integer(id), "isAutomated": true])) }
        let held = netPosition(account.id, contract.id)
        guard !held.isZero else { throw .failure(reason: "UnknownReason", text: "There is no position to liquidate") }
        let terms = TradovateTerms(
            quantity: held.magnitude, type: "Market", price: nil, stopPrice: nil, pegDifference: nil, timeInForce: "Day", text: "Liquidation",
            contract: contract, side: held > 0 ? .sell : .buy, account: account.id, clientID: "")
        return .object(["orderId": .integer(place(terms, fault: fault))])
    }

    private func openOrders(_ account: Int64, _ contract: Int64) -> [Int64] {
        state.withLock { state in
            state.terms.filter { id, terms in
                terms.account == account && terms.contract.id == contract
                    && ["PendingNew", "Working", "Suspended"].contains(state.tables["order", id]?["ordStatus"]?.string ?? "")
            }.keys.sorted()
        }
    }
}
