import OrderFlow
import TradingModel

/// What is done with a signal that comes too fast.
public enum OnLimit: String, Sendable, CaseIterable {
    /// 429 with `Retry-After`; nothing is stored.
    case reject
}

/// How a source's body is read.
public enum PayloadFormat: String, Sendable, CaseIterable {
    case native
}

/// One source of signals, as configured.
public struct SourceSettings: Sendable {
    public struct RateLimit: Sendable, Hashable {
        public var requests: Int
        public var per: Duration
        public var onLimit: OnLimit
        public init(requests: Int = 1, per: Duration = .seconds(1), onLimit: OnLimit = .reject) {
            self.requests = requests
            self.per = per
            self.onLimit = onLimit
        }
    }

    public var id: SourceID
    public var format: PayloadFormat
    /// Accepted in the path or in the body's `secret`. Several while a secret is being rotated.
    public var secrets: [Secret]
    /// Standard Webhooks signing keys (`whsec_…`, base64). If there are any, every request must be signed.
    public var signingKeys: [Secret]
    /// How far the signature's timestamp may lie from our clock.
    public var signatureTolerance: Duration
    /// Client addresses that may post; empty for all.
    public var allow: [AddressRange]
    /// A field of the payload that names the signal.
    public var dedupeField: String?
    /// How long a key derived from the payload means the same signal.
    public var dedupeWindow: Duration
    /// Per source and client address; nil for no limit.
    public var rateLimit: RateLimit?
    /// A signal older than this is recorded and refused.
    public var maxAge: Duration

    public init(
        id: SourceID, format: PayloadFormat = .native, secrets: [Secret] = [], signingKeys: [Secret] = [],
        signatureTolerance: Duration = .seconds(300), allow: [AddressRange] = [], dedupeField: String? = nil,
        dedupeWindow: Duration = .seconds(300), rateLimit: RateLimit? = RateLimit(), maxAge: Duration = .seconds(60)
    ) {
        self.id = id
        self.format = format
        self.secrets = secrets
        self.signingKeys = signingKeys
        self.signatureTolerance = signatureTolerance
        self.allow = allow
        self.dedupeField = dedupeField
        self.dedupeWindow = dedupeWindow
        self.rateLimit = rateLimit
        self.maxAge = maxAge
    }
}
