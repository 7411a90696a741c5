import BrokerContract
import StoreContract
import TradingModel

/// The order that leaves what the venue holds beside the ledger, for an account whose `drift` is `flatten`.
///
/// It is a signal of the gateway's own that is stored together with its finding, and from there an order like any other: guards, permit,
/// resolution. Its key is the finding's id, so that one finding makes one order.
public struct DriftOrder: Sendable {
    /// No source or strategy of the configuration may have this name.
    public static let name = DriftFinding.orderStrategy.rawValue
    /// Waits no longer than this for its turn.
    static let maximumAge = Duration.seconds(3600)

    private let rules: ClientOrderIDRules
    private let mint: @Sendable (Timestamp) -> SignalID

    /// - Parameter mint: A new signal id. Asked for again when the transaction is tried again; one of them is stored.
    public init(rules: ClientOrderIDRules, mint: @escaping @Sendable (Timestamp) -> SignalID) {
        self.rules = rules
        self.mint = mint
    }

    /// A close of the finding's instrument: how much, its permit says.
    func admission(_ finding: DriftFinding, at now: Timestamp) -> Admission {
        let signalID = mint(now)
        let strategy = DriftFinding.orderStrategy
        let order = OrderRecord(
            id: Minting.orderID(signalID, index: 0), signalID: signalID, strategy: strategy, account: finding.account, leg: 0,
            clientOrderID: Minting.clientOrderID(signal: signalID, strategy: strategy, account: finding.account, leg: 0, rules: rules),
            symbol: Symbol(finding.subject), signalSymbol: finding.subject, side: finding.venue > 0 ? .sell : .buy, type: .market, timeInForce: .gtc,
            requestedQuantity: .zero, limitPrice: nil, stopPrice: nil, reduceOnly: true, referencePrice: nil, policy: OrderPolicy(),
            requestID: finding.id, createdAt: now, updatedAt: now, expiresAt: now + Self.maximumAge, intent: OrderIntent(kind: .close))
        let body = JSONValue.fields(["finding": finding.id, "ledger": finding.ledger.description, "venue": finding.venue.description]).text
        let (key, bodyHash) = SignalKeys.derive(header: finding.id, field: nil, payloadKey: nil, canonicalPayload: body)
        let signal = SignalRecord(
            id: signalID, source: SourceID(Self.name), key: key, bodyHash: bodyHash, body: body, verdict: .accepted, strategy: strategy, receivedAt: now,
            firedAt: finding.firstSeenAt, clientAddress: "", requestID: finding.id, traceparent: nil, answer: StoredAnswer(status: 202, body: body))
        return Admission(signal: signal, orders: [order], window: .zero, rate: nil)
    }
}
