import Crypto
import Foundation
import SimulatorKit
import TradingModel

/// How a registered API key signs.
public enum BinanceKey: Sendable {
    case hmac(secret: String)
    case ed25519(publicKey: Curve25519.Signing.PublicKey)

    func verifies(_ signature: String, of payload: String) -> Bool {
        switch self {
        case .hmac(let secret):
            let code = HMAC<SHA256>.authenticationCode(for: Data(payload.utf8), using: SymmetricKey(data: Data(secret.utf8)))
            // The hex is not case-sensitive. Source: rest-api.md, "Request security", read 2026-11-21.
            return code.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() == signature.lowercased()
        case .ed25519(let publicKey):
            guard let bytes = Data(base64Encoded: signature) else { return false }
            return publicKey.isValidSignature(bytes, for: Data(payload.utf8))
        }
    }
}

/// The text that a REST request signs: query and body as sent, one after the other, without the signature.
func restPayload(query: String, body: String) -> String {
    [query, body].map { part in
        part.split(separator: "&", omittingEmptySubsequences: false).filter { !$0.hasPrefix("signature=") }.joined(separator: "&")
    }.joined()
}

/// The text that a WebSocket request signs: all parameters but the signature, sorted, not encoded.
func webSocketPayload(_ parameters: BinanceParameters) -> String {
    parameters.all.filter { $0.name != "signature" }.sorted { $0.name < $1.name }.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
}

/// The time in which a signed request is valid.
struct BinanceWindow: Sendable {
    /// Longest `recvWindow`, in milliseconds. Source: rest-api.md, "Timing security", read 2026-11-21.
    static let longest: Decimal = 60_000
    let timestamp: Decimal
    let length: Decimal

    init(_ parameters: BinanceParameters) throws(BinanceError) {
        guard let number = Int64(try parameters.required("timestamp")), number > 0 else { throw .missing("timestamp") }
        // Microseconds are told by their size.
        timestamp = number > 100_000_000_000_000 ? Decimal(number) / 1000 : Decimal(number)
        guard let text = parameters["recvWindow"] else {
            length = 5000
            return
        }
        guard let window = try? Decimal(exactly: text), window > 0 else { throw .illegal("recvWindow", legal: "^[0-9]{1,5}(\\.[0-9]{1,3})?$") }
        guard window <= Self.longest else { throw .badWindow }
        length = window
    }

    func check(at now: Timestamp) throws(BinanceError) {
        let milliseconds = Decimal(now.microseconds) / 1000
        guard timestamp < milliseconds + 1000 else { throw .ahead }
        guard milliseconds - timestamp <= length else { throw .outsideWindow }
    }
}
