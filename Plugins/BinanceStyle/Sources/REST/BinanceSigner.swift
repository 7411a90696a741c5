import AdapterKit
import BrokerContract
import TradingModel

/// Signs requests of one API key, by the two opposite rules of REST and WebSocket API.
struct BinanceSigner: Sendable {
    let apiKey: Secret
    private let signer: RequestSigner

    init(apiKey: Secret, signingKey: BinanceStyleConfiguration.SigningKey) throws(BrokerError) {
        self.apiKey = apiKey
        do {
            signer =
                switch signingKey {
                case .hmac(let secret): RequestSigner(hmacSecret: secret)
                case .ed25519(let key): try RequestSigner(ed25519PrivateKey: key)
                }
        } catch { throw BrokerError(.unauthenticated, effect: .notSent, "\(error)") }
    }

    /// The query with its signature at the end. What is signed is byte for byte what is sent.
    func signedQuery(_ parameters: BinanceParameters) throws(BrokerError) -> String {
        let query = parameters.query
        return query + "&signature=" + percentEncoded(try sign(query))
    }

    /// The parameters of a WebSocket API request, with key and signature.
    func signedForWebSocket(_ parameters: BinanceParameters) throws(BrokerError) -> BinanceParameters {
        var signed = parameters
        signed.add("apiKey", apiKey.reveal())
        signed.add("signature", try sign(signed.sortedRaw))
        return signed
    }

    private func sign(_ text: String) throws(BrokerError) -> String {
        do { return try signer.signature(of: text) } catch {
            throw BrokerError(.unauthenticated, effect: .notSent, "\(error)")
        }
    }
}
