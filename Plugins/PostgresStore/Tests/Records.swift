import LockContract
import StoreContract
import StoreKit
import Synchronization
import TradingModel

let start = Timestamp(microseconds: 1_767_225_600_000_000)
let holder = HolderIdentity(gateway: "g", host: "h", processID: 1, processStart: 2, bootID: "b", purpose: "test")

func aSignal(_ name: String) -> SignalRecord {
    SignalRecord(
        id: SignalID("sig-\(name)"), source: "tv", key: SignalKey(hash: JournalHash.sha256("key-\(name)"), isExplicit: true), bodyHash: JournalHash.sha256("body"), body: "body",
        verdict: .accepted, strategy: "trend", receivedAt: start, firedAt: nil, clientAddress: "127.0.0.1", requestID: "r", traceparent: nil,
        answer: StoredAnswer(status: 202, body: "answer"))
}

func anOrder(_ name: String) -> OrderRecord {
    OrderRecord(
        id: OrderID("ord-\(name)"), signalID: SignalID("sig-\(name)"), strategy: "trend", account: "a1", leg: 0,
        clientOrderID: ClientOrderID("c-\(name)"), symbol: "BTCUSDT", signalSymbol: "BTCUSD", side: .buy, type: .market, timeInForce: .gtc,
        requestedQuantity: 2, limitPrice: nil, stopPrice: nil, reduceOnly: false, referencePrice: nil, policy: OrderPolicy(), requestID: "r",
        createdAt: start, updatedAt: start, expiresAt: start + .seconds(60))
}

func aTenure(_ account: AccountID) -> TenureRequest {
    TenureRequest(
        account: account, owner: "owner", holder: holder, leaseFence: FencingToken(epoch: 1, counter: 1), configurationHash: "c", at: start)
}

func aRequest(_ id: OrderID, _ tenure: Tenure) -> PermitRequest {
    PermitRequest(
        orderID: id, tenure: tenure, now: start, notAfter: MonotonicInstant(sinceBoot: .seconds(100)), notAfterWall: start + .seconds(5))
}

func grant(_ order: OrderRecord) -> PermitVerdict {
    do {
        return .grant(
            try NewOrder(
                clientOrderID: order.clientOrderID, symbol: order.symbol, side: order.side, type: order.type, quantity: order.requestedQuantity,
                timeInForce: order.timeInForce), notes: [])
    } catch { return .wait(reason: "\(error)") }
}

/// The store's error of a call that must fail.
func failure(_ body: () async throws -> Void) async -> StoreError? {
    do { try await body() } catch { return error as? StoreError }
    return nil
}

extension StoreError {
    var isUnavailable: Bool { if case .unavailable = self { true } else { false } }
}

/// A value that several tasks share.
final class Shared<Value: Sendable>: Sendable {
    private let held: Mutex<Value>
    init(_ value: Value) { held = Mutex(value) }
    func withLock<R: Sendable>(_ body: (inout sending Value) -> sending R) -> R { held.withLock(body) }
}
