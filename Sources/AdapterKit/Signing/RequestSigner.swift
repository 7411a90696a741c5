import Crypto
import Foundation
import TradingModel

/// Signs the text of a request with one key.
public enum RequestSigner: Sendable {
    case hmacSHA256(key: SymmetricKey)
    case ed25519(key: Curve25519.Signing.PrivateKey)

    public init(hmacSecret: Secret) {
        self = .hmacSHA256(key: SymmetricKey(data: Data(hmacSecret.reveal().utf8)))
    }

    /// From a PKCS#8 key, as PEM or as the base64 text within it.
    public init(ed25519PrivateKey secret: Secret) throws(SigningKeyError) {
        self = .ed25519(key: try Self.parseEd25519(secret.reveal()))
    }

    /// HMAC as lower-case hex, Ed25519 as base64.
    public func signature(of text: String) throws(SigningKeyError) -> String {
        switch self {
        case .hmacSHA256(let key):
            return HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key).map { byte in
                let hex = String(byte, radix: 16)
                return hex.count == 1 ? "0" + hex : hex
            }.joined()
        case .ed25519(let key):
            do { return try key.signature(for: Data(text.utf8)).base64EncodedString() } catch { throw .cannotSign }
        }
    }

    /// The header of an Ed25519 key in PKCS#8, before its 32 bytes. Source: RFC 8410, sections 7 and 10.3.
    private static let pkcs8Header: [UInt8] = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]

    private static func parseEd25519(_ text: String) throws(SigningKeyError) -> Curve25519.Signing.PrivateKey {
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }
        let base64 = lines.joined().filter { !$0.isWhitespace }
        guard let bytes = Data(base64Encoded: base64) else { throw .notBase64 }
        guard bytes.count == pkcs8Header.count + 32, Array(bytes.prefix(pkcs8Header.count)) == pkcs8Header else {
            throw .notEd25519
        }
        do { return try Curve25519.Signing.PrivateKey(rawRepresentation: bytes.suffix(32)) } catch { throw .notEd25519 }
    }
}

/// Why a key cannot be used. Never carries the key.
public enum SigningKeyError: Error, Sendable, CustomStringConvertible {
    case notBase64, notEd25519, cannotSign

    public var description: String {
        switch self {
        case .notBase64: "the private key is neither PEM nor base64"
        case .notEd25519: "the private key is not an Ed25519 key in PKCS#8 form"
        case .cannotSign: "the private key could not sign"
        }
    }
}
