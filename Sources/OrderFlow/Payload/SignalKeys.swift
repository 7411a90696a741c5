import StoreContract
import TradingModel

/// How a signal is recognised when it comes again.
public enum SignalKeys {
    /// First hit wins: the sender's header, the field that the source names, the payload's own `alert_id` or `signal_id`, and else the
    /// SHA-256 of the canonical payload. All but the last are explicit and never act twice.
    public static func derive(header: String?, field: String?, payloadKey: String?, canonicalPayload: String) -> (key: SignalKey, bodyHash: String) {
        let bodyHash = Minting.sha256(canonicalPayload)
        for (kind, value) in [("header", header), ("field", field), ("field", payloadKey)] {
            if let value, !value.isEmpty { return (SignalKey(hash: Minting.sha256(kind + ":" + value), isExplicit: true), bodyHash) }
        }
        return (SignalKey(hash: bodyHash, isExplicit: false), bodyHash)
    }

    /// The key as operators see it.
    public static func shown(_ key: SignalKey, source: SourceID) -> String { "webhook_idempotency:\(source):\(key.hash)" }
}
