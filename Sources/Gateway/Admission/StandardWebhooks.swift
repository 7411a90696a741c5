import Crypto
import Foundation
import TradingModel

/// Standard Webhooks signatures: HMAC-SHA256 over `id.timestamp.body`, in the header `webhook-signature: v1,<base64> …`.
///
/// Source: Standard Webhooks specification 1.0, "Signature scheme". Several keys may be valid at once while one is rotated.
struct StandardWebhooks: Sendable {
    private let keys: [SymmetricKey]
    private let tolerance: Duration
    /// More signatures than this in one header are not looked at.
    private static let maximumSignatures = 10

    /// Nil if a key is not `whsec_` + base64 of 24 to 64 bytes.
    init?(keys: [Secret], tolerance: Duration) {
        var decoded: [SymmetricKey] = []
        for key in keys {
            guard let data = Self.decode(key) else { return nil }
            decoded.append(SymmetricKey(data: data))
        }
        self.keys = decoded
        self.tolerance = tolerance
    }

    static func decode(_ key: Secret) -> Data? {
        let text = key.reveal()
        let encoded = text.hasPrefix("whsec_") ? String(text.dropFirst(6)) : text
        guard let data = Data(base64Encoded: encoded), (24...64).contains(data.count) else { return nil }
        return data
    }

    enum Failure: String, Error {
        case missingHeaders = "webhook-id, webhook-timestamp and webhook-signature are required"
        case badTimestamp = "webhook-timestamp is not a time, or too far from now"
        case noMatch = "no signature matches"
    }

    /// Every key is tried on every signature, so that the time taken tells nothing.
    func verify(headers: [String: String], body: [UInt8], at now: Timestamp) throws(Failure) {
        guard let id = headers["webhook-id"], !id.isEmpty, let time = headers["webhook-timestamp"], let header = headers["webhook-signature"] else {
            throw .missingHeaders
        }
        guard let seconds = Int64(time), seconds > 0, seconds < 100_000_000_000 else { throw .badTimestamp }
        let distance = now - Timestamp(milliseconds: seconds * 1000)
        guard distance <= tolerance, distance >= .zero - tolerance else { throw .badTimestamp }
        let signed = Array("\(id).\(time).".utf8) + body
        var matches = false
        for part in header.split(separator: " ").prefix(Self.maximumSignatures) {
            guard part.hasPrefix("v1,"), let signature = Data(base64Encoded: String(part.dropFirst(3))) else { continue }
            for key in keys {
                // Compares in constant time.
                if HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: signed, using: key) { matches = true }
            }
        }
        guard matches else { throw .noMatch }
    }
}
