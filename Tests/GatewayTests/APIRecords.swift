import LockContract
import StoreContract
import TradingModel

/// Records with awkward values, for what the API shows of them.
enum APIRecords {
    static let time = Timestamp(milliseconds: 1_763_701_567_008)

    static func signal(_ id: SignalID, key: String = "k") -> SignalRecord {
        SignalRecord(
            id: id, source: "tv", key: SignalKey(hash: key, isExplicit: false), bodyHash: "b", body: #"{"v":1,"secret":"***"}"#,
            verdict: .accepted, strategy: "trend", receivedAt: time, firedAt: nil, clientAddress: "127.0.0.1", requestID: "r1",
            traceparent: nil, answer: StoredAnswer(status: 202, body: #"{"status":"accepted"}"#), copies: 3)
    }

    static func order(
        _ id: OrderID, signal: SignalID = "S1", account: AccountID = "spot1", state: OrderState = .filled
    ) throws -> OrderRecord {
        OrderRecord(
            id: id, signalID: signal, strategy: "trend", account: account, leg: 0, clientOrderID: "t-1", symbol: "BTCUSDT",
            signalSymbol: "BTCUSD", side: .buy, type: .stopLimit, timeInForce: .gtc, requestedQuantity: try Quantity("0.010"),
            quantity: try Quantity("0.00000001"), limitPrice: try Price("3.133"), stopPrice: try Price("12345678901234567890.5"),
            reduceOnly: false, referencePrice: nil, policy: OrderPolicy(), state: state, reason: "venue_other",
            detail: "said \"no\"\n\u{1} – twice", filledQuantity: try Quantity("0.00000001"), averagePrice: try Price("0.1"),
            venueOrderID: "42", venueStatus: "FILLED", attempts: 1, requestID: "r1", createdAt: time, updatedAt: time, filledAt: time,
            expiresAt: time)
    }

    static func attempt(_ order: OrderID) -> AttemptRecord {
        AttemptRecord(
            orderID: order, number: 1, fence: FencingToken(epoch: 1, counter: 7), owner: "0123456789abcdef",
            holder: HolderIdentity(gateway: "gw1", host: "h", processID: 9, processStart: 1, bootID: "b", purpose: "desk"),
            permittedAt: time, notAfter: time, notAfterMonotonic: MonotonicInstant(sinceBoot: .seconds(1)), orderHash: "aa",
            outcome: "accepted", evidence: #"{"may_have_left":true}"#, endedAt: time)
    }

    static func fill() throws -> Fill {
        Fill(
            executionID: "BTCUSDT-1", venueOrderID: "42", clientOrderID: "t-1", symbol: "BTCUSDT", side: .buy,
            quantity: try Quantity("0.00000001"), price: try Price("0.1"), fee: try Notional("-0.0000001"), feeAsset: "BNB", executedAt: time)
    }
}
