import AdapterKit
import BrokerContract
import Crypto
import Foundation
import TradingModel

/// A private key of the venue's developer platform: EC P-256 or Ed25519.
enum CoinbaseKey: Sendable {
    case p256(P256.Signing.PrivateKey)
    case ed25519(Curve25519.Signing.PrivateKey)

    /// Why a key cannot be used. Never carries the key.
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    /// Reads every form in which the venue hands keys out. Environment variables often carry line breaks as a literal `\n`.
    init(_ secret: Secret) throws(Unusable) {
        let text = secret.reveal().replacingOccurrences(of: "\\n", with: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
        if text.contains("-----BEGIN") {
            if let key = try? P256.Signing.PrivateKey(pemRepresentation: text) {
                self = .p256(key)
            } else if case .ed25519(let key)? = try? RequestSigner(ed25519PrivateKey: Secret(text)) {
                self = .ed25519(key)
            } else {
                throw Unusable(description: "the private key is neither an EC P-256 key nor an Ed25519 key in PEM form")
            }
            return
        }
        // Raw Ed25519: 32 bytes of seed, or seed and public key together.
        guard let bytes = Data(base64Encoded: text.filter { !$0.isWhitespace }) else {
            throw Unusable(description: "the private key is neither PEM nor base64")
        }
        if bytes.count == 32 || bytes.count == 64, let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes.prefix(32)) {
            self = .ed25519(key)
        } else if case .ed25519(let key)? = try? RequestSigner(ed25519PrivateKey: Secret(text)) {
            self = .ed25519(key)
        } else {
            throw Unusable(description: "the private key is not 32 or 64 bytes of an Ed25519 key")
        }
    }

    /// The name of the algorithm in a token's header. Source: RFC 7518, section 3.4, and RFC 8037, section 3.1.
    var algorithm: String {
        switch self {
        case .p256: "ES256"
        case .ed25519: "EdDSA"
        }
    }

    func signature(of data: Data) throws -> Data {
        switch self {
        case .p256(let key): try key.signature(for: data).rawRepresentation
        case .ed25519(let key): try key.signature(for: data)
        }
    }
}

/// Makes a token for one request, or for one message of the WebSocket.
struct CoinbaseSigner: Sendable {
    /// Life of a token. Source: docs.cdp.coinbase.com, "API key authentication", read 2026-11-21.
    static let tokenLife: Int64 = 120

    private let keyName: String
    private let key: CoinbaseKey
    private let makeNonce: @Sendable () -> String

    /// - Parameter makeNonce: 64 hex digits, different each time; passed in so that a test can fix it.
    init(keyName: String, privateKey: Secret, makeNonce: @escaping @Sendable () -> String = Self.randomNonce) throws(BrokerError) {
        self.keyName = keyName
        self.makeNonce = makeNonce
        do { key = try CoinbaseKey(privateKey) } catch {
            throw BrokerError(.unauthenticated, effect: .notSent, "\(error)")
        }
    }

    /// - Parameter uri: Method, host and path without the query, as `GET api.coinbase.com/api/v3/brokerage/accounts`. Nil for the WebSocket.
    func token(uri: String?, at now: Timestamp) throws(BrokerError) -> String {
        let seconds = now.milliseconds / 1000
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let header = try encoder.encode(Header(alg: key.algorithm, typ: "JWT", kid: keyName, nonce: makeNonce()))
            let claims = try encoder.encode(Claims(sub: keyName, iss: "cdp", nbf: seconds, exp: seconds + Self.tokenLife, uri: uri))
            let signed = base64URL(header) + "." + base64URL(claims)
            return signed + "." + base64URL(try key.signature(of: Data(signed.utf8)))
        } catch {
            throw BrokerError(.unauthenticated, effect: .notSent, "the private key could not sign")
        }
    }

    private static func randomNonce() -> String {
        (0..<4).map { _ in
            let hex = String(UInt64.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 16 - hex.count) + hex
        }.joined()
    }

    private struct Header: Encodable {
        let alg: String
        let typ: String
        let kid: String
        let nonce: String
    }

    private struct Claims: Encodable {
        let sub: String
        let iss: String
        let nbf: Int64
        let exp: Int64
        let uri: String?
    }
}

/// Base64 with the alphabet of URLs and without padding. Source: RFC 7515, appendix C.
private func base64URL(_ data: Data) -> String {
    data.base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
        .replacingOccurrences(of: "=", with: "")
}
