import Crypto
import Foundation
import SimulatorKit
import TradingModel

/// The public half of a registered key.
public enum CoinbasePublicKey: Sendable {
    case p256(P256.Signing.PublicKey)
    case ed25519(Curve25519.Signing.PublicKey)

    var algorithm: String {
        switch self {
        case .p256: "ES256"
        case .ed25519: "EdDSA"
        }
    }

    func verifies(_ signature: Data, of data: Data) -> Bool {
        switch self {
        case .p256(let key): (try? P256.Signing.ECDSASignature(rawRepresentation: signature)).map { key.isValidSignature($0, for: data) } ?? false
        case .ed25519(let key): key.isValidSignature(signature, for: data)
        }
    }
}

/// A token as a request carries it, read but not yet believed.
struct CoinbaseToken: Sendable {
    /// The venue publishes no figure for the skew that it tolerates.
    static let skewSeconds: Int64 = 30
    /// Source: docs.cdp.coinbase.com, "API key authentication", read 2026-11-21.
    static let longestLife: Int64 = 120

    let keyName: String
    private let algorithm: String
    private let notBefore: Int64
    private let expires: Int64
    private let uri: String?
    private let signed: Data
    private let signature: Data

    /// Nil for what is no token of this venue's form.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let header = Self.json(parts[0]), let claims = Self.json(parts[1]), let signature = Self.bytes(parts[2]),
            case .string(let algorithm)? = header["alg"], case .string(let kid)? = header["kid"], case .string(let sub)? = claims["sub"],
            kid == sub, !sub.isEmpty, header["nonce"] != nil, case .string? = claims["iss"],
            let notBefore = claims["nbf"]?.scalarText.flatMap(Int64.init), let expires = claims["exp"]?.scalarText.flatMap(Int64.init)
        else { return nil }
        self.algorithm = algorithm
        self.signature = signature
        keyName = sub
        self.notBefore = notBefore
        self.expires = expires
        // Some working clients send a list.
        if case .array(let list)? = claims["uris"] { uri = list.first?.scalarText } else { uri = claims["uri"]?.scalarText }
        signed = Data("\(parts[0]).\(parts[1])".utf8)
    }

    /// - Parameter uris: Any of these may be signed; nil for the WebSocket, whose tokens name none.
    func isGood(at now: Timestamp, uris: Set<String>?, key: CoinbasePublicKey?) -> Bool {
        let seconds = now.milliseconds / 1000
        guard notBefore <= seconds + Self.skewSeconds, seconds < expires, expires - notBefore <= Self.longestLife else { return false }
        if let uris {
            guard let uri, uris.contains(uri) else { return false }
        } else if uri != nil {
            return false
        }
        guard signature.count == 64, ["ES256", "EdDSA"].contains(algorithm) else { return false }
        guard let key else { return true }
        return key.algorithm == algorithm && key.verifies(signature, of: signed)
    }

    private static func json(_ part: String) -> JSONValue? {
        bytes(part).flatMap { try? JSONValue(parsing: String(decoding: $0, as: UTF8.self)) }
    }

    private static func bytes(_ part: String) -> Data? {
        guard !part.contains(where: { "+/=".contains($0) }) else { return nil }
        let standard = part.replacing("-", with: "+").replacing("_", with: "/")
        return Data(base64Encoded: standard + String(repeating: "=", count: (4 - standard.count % 4) % 4))
    }
}
