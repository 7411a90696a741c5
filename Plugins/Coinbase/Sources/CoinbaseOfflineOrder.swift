import AdapterKit
import BrokerContract
import TradingModel

/// One placement without its network: what the adapter does with an order, and with the reply. For the benchmark of this package.
package struct CoinbaseOfflineOrder: Sendable {
    private let signer: CoinbaseSigner
    private let product: CoinbaseProduct

    package init(_ configuration: CoinbaseConfiguration, instrument: Instrument) throws {
        signer = try CoinbaseSigner(keyName: configuration.keyName, privateKey: configuration.privateKey)
        product = CoinbaseProduct(instrument: instrument, quoteIncrement: Notional(instrument.tickSize.value), aliases: [], isPostOnly: false)
    }

    /// Checks, encodes and signs the order, and reads the reply. The adapter then reads the order again, which is a second request and not
    /// part of this.
    ///
    /// - Returns: The venue's id if the reply claims the order.
    package func placed(_ order: NewOrder, at now: Timestamp, reply: VenueReply) throws -> (VenueRequest, VenueOrderID?) {
        let request = try CoinbaseOrderRequest(order, product: product)
        let path = CoinbaseClient.prefix + "/orders"
        let body = try CoinbaseClient.encoded(request.body(portfolio: nil))
        let token = try signer.token(uri: "POST api.coinbase.com\(path)", at: now)
        let headers: [(name: String, value: String)] = [("Authorization", "Bearer " + token), ("Content-Type", "application/json")]
        let sent = VenueRequest(
            .post, "https://api.coinbase.com\(path)", headers: headers, body: body, timeout: .seconds(10), isCommand: true)
        if case .taken(let id, _) = CoinbaseOutcomes.place(reply, for: order.clientOrderID) { return (sent, id) }
        return (sent, nil)
    }
}
