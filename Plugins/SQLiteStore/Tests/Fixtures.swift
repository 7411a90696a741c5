import Foundation
import GRDB
import LockContract
import Logging
import StoreContract
import StoreKit
import TestSupport
import Testing
import TradingModel

@testable import SQLiteStore

let start = Timestamp(microseconds: 1_767_225_600_000_000)

/// A store on a real file in a folder of its own, removed at the end.
struct StoreFixture {
    let path: String
    let pool: DatabasePool
    let store: SQLiteOrderStore
    let clock: ManualClock

    static func run(_ body: (StoreFixture) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let fixture = try open(folder + "/turnstile.db")
        try await body(fixture)
        await fixture.store.close()
    }

    static func open(_ path: String) throws -> StoreFixture {
        let clock = ManualClock()
        let pool = try StoreFile.open(path: path, clock: clock, logger: Logger(label: "test"))
        return StoreFixture(path: path, pool: pool, store: SQLiteOrderStore(pool: pool, clock: clock), clock: clock)
    }

    /// A change from outside, as a defective program or a person with a shell would make it.
    func sql(_ text: String) async throws {
        let queue = try DatabaseQueue(path: path)
        try await queue.write { try $0.execute(sql: text) }
        try queue.close()
    }

    func count(_ table: String) async throws -> Int {
        try await pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") ?? -1 }
    }

    func openTenure(_ account: AccountID = "a1", owner: OwnerToken = "owner-1") async throws -> Tenure {
        try await store.openTenure(
            TenureRequest(
                account: account, owner: owner, holder: holder, leaseFence: FencingToken(epoch: 1, counter: 1),
                configurationHash: "c", at: start)
        ).tenure
    }

    /// Admits one signal with one order and returns the order's id.
    @discardableResult
    func admitOrder(_ name: String, change: (inout OrderRecord) -> Void = { _ in }) async throws -> OrderID {
        var order = anOrder(name)
        change(&order)
        let result = try await store.admit(Admission(signal: aSignal(name), orders: [order], window: .seconds(300), rate: nil))
        guard result == .admitted else { throw StoreError.refused("\(result)") }
        return order.id
    }

    @discardableResult
    func permit(_ id: OrderID, under tenure: Tenure, at: Timestamp = start + .seconds(1)) async throws -> PermitResult {
        try await store.permit(request(id, tenure, at: at)) { .grant(completed($0.order), notes: []) }
    }
}

let holder = HolderIdentity(gateway: "g", host: "h", processID: 1, processStart: 2, bootID: "b", purpose: "test")

func aSignal(_ name: String, key: SignalKey? = nil, at: Timestamp = start, body: String = "body") -> SignalRecord {
    SignalRecord(
        id: SignalID("sig-\(name)"), source: "tv", key: key ?? SignalKey(hash: hash("key-\(name)"), isExplicit: true), bodyHash: hash(body), body: body,
        verdict: .accepted, strategy: "trend", receivedAt: at, firedAt: nil, clientAddress: "127.0.0.1", requestID: "r-\(name)",
        traceparent: nil, answer: StoredAnswer(status: 202, body: "answer-\(name)"))
}

/// SHA-256 in hex, as keys and bodies are told apart by.
func hash(_ text: String) -> String { JournalHash.sha256(text) }

func anOrder(_ name: String, account: AccountID = "a1", side: Side = .buy, policy: OrderPolicy = OrderPolicy()) -> OrderRecord {
    OrderRecord(
        id: OrderID("ord-\(name)"), signalID: SignalID("sig-\(name)"), strategy: "trend", account: account, leg: 0,
        clientOrderID: ClientOrderID("c-\(name)"), symbol: "BTCUSDT", signalSymbol: "BTCUSD", side: side, type: .limit, timeInForce: .gtc,
        requestedQuantity: 2, limitPrice: Price(Decimal(string: "60000.1") ?? 0), stopPrice: nil, reduceOnly: false, referencePrice: nil,
        policy: policy, requestID: "r-\(name)", createdAt: start, updatedAt: start, expiresAt: start + .seconds(60))
}

func request(_ id: OrderID, _ tenure: Tenure, at: Timestamp = start + .seconds(1)) -> PermitRequest {
    PermitRequest(
        orderID: id, tenure: tenure, now: at, notAfter: MonotonicInstant(sinceBoot: .seconds(100)), notAfterWall: at + .seconds(5))
}

func completed(_ order: OrderRecord, quantity: Quantity? = nil, clientOrderID: ClientOrderID? = nil) -> NewOrder {
    do {
        return try NewOrder(
            clientOrderID: clientOrderID ?? order.clientOrderID, symbol: order.symbol, side: order.side, type: order.type,
            quantity: quantity ?? order.requestedQuantity, limitPrice: order.limitPrice, timeInForce: order.timeInForce)
    } catch { preconditionFailure("a fixture is incomplete: \(error)") }
}

func aFill(_ id: ExecutionID, quantity: Quantity = 1) -> Fill {
    Fill(
        executionID: id, venueOrderID: "v1", clientOrderID: nil, symbol: "BTCUSDT", side: .buy, quantity: quantity,
        price: Price(Decimal(string: "0.00000001") ?? 0), fee: nil, feeAsset: nil, executedAt: start)
}

extension StoreError {
    var isRefused: Bool { if case .refused = self { true } else { false } }
    var isFenced: Bool { if case .fenced = self { true } else { false } }
    var isUnavailable: Bool { if case .unavailable = self { true } else { false } }
}

/// The store's error of a call that must fail.
func failure(_ body: () async throws -> Void) async -> StoreError? {
    do { try await body() } catch { return error as? StoreError }
    return nil
}

/// Records an issue unless `body` fails with a store error of this kind.
func expectFailure(
    _ kind: KeyPath<StoreError, Bool>, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
    let error = await failure(body)
    #expect(error?[keyPath: kind] == true, "\(String(describing: error))", sourceLocation: sourceLocation)
}
