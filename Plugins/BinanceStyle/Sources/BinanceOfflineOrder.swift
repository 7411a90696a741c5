import AdapterKit
import BrokerContract
import TradingModel

/// One placement without its network: what the adapter does with an order, and with the reply. For the benchmark of this package.
package struct BinanceOfflineOrder: Sendable {
    private let signer: BinanceSigner
    private let instrument: Instrument

    package init(_ configuration: BinanceStyleConfiguration, instrument: Instrument) throws {
        signer = try BinanceSigner(apiKey: configuration.apiKey, signingKey: configuration.signingKey)
        self.instrument = instrument
    }

    /// Checks, encodes and signs the order, and reads the reply as the answer to it.
    package func placed(_ order: NewOrder, at now: Timestamp, reply: VenueReply) throws -> (VenueRequest, PlaceOutcome) {
        let request = try BinanceOrderRequest(order, rules: BinanceSymbolRules(instrument: instrument))
        var parameters = request.parameters
        parameters.add("recvWindow", "5000")
        parameters.add("timestamp", String(now.milliseconds))
        let url = "https://api.binance.com/api/v3/order?\(try signer.signedQuery(parameters))"
        let sent = VenueRequest(.post, url, headers: [("X-MBX-APIKEY", signer.apiKey.reveal())], timeout: .seconds(12), isCommand: true)
        return (sent, BinanceOutcomes.place(reply, for: request))
    }
}
