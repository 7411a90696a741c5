import AdapterKit
import BrokerContract
import TradingModel

/// One placement without its network: what the adapter does with an order, and with the reply. For the benchmark of this package.
package struct TradovateOfflineOrder: Sendable {
    private let listing: Listing
    private let account: TradovateAccount
    private let token: String

    /// A contract as the venue's entities tell it, and an account.
    ///
    /// - Parameter token: Of a session: Tradovate signs no request.
    package init(contract: String, maturity: String, product: String, account: String, token: String) throws {
        listing = Listing(
            contract: try TradovateContract(WireJSON(parsing: contract)), maturity: try TradovateMaturity(WireJSON(parsing: maturity)),
            product: try TradovateProduct(WireJSON(parsing: product)))
        self.account = try TradovateAccount(WireJSON(parsing: account))
        self.token = token
    }

    /// Checks and encodes the order, and reads the reply as the answer to it.
    package func placed(_ order: NewOrder, at now: Timestamp, reply: VenueReply) throws -> (VenueRequest, PlaceOutcome) {
        let request = try TradovateOrderRequest(order, listing: listing, account: account)
        let headers: [(name: String, value: String)] = [("Authorization", "Bearer " + token), ("Content-Type", "application/json")]
        let sent = VenueRequest(
            .post, "https://demo.tradovateapi.com/v1\(request.path)", headers: headers, body: request.body.text, timeout: .seconds(20),
            isCommand: true)
        return (sent, TradovateOutcomes.place(TradovateReply(reply), for: request, at: now))
    }
}
