import Crypto
import Foundation
import LockContract
import StoreContract
import Synchronization
import TradingModel

/// A fresh store with what clauses need again and again: records, tenures, and words for what must fail.
struct StoreSession: Sendable {
    let place: any StorePlace
    let store: any OrderStore

    static let start = Timestamp(microseconds: 1_767_225_600_000_000)
    static let holder = HolderIdentity(gateway: "g", host: "h", processID: 1, processStart: 2, bootID: "b", purpose: "test")

    /// Runs `body` with a second store at the same place, as a second process has it.
    func withSecond(_ body: (any OrderStore) async throws -> Void) async throws {
        let second = try await place.open()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(second)) } catch { outcome = .failure(error) }
        await second.close()
        try outcome.get()
    }

    // MARK: Records

    /// SHA-256 in lower-case hex, as keys and bodies are told apart by.
    static func hash(_ text: String) -> String {
        SHA256.hash(data: Data(text.utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    static func key(_ name: String, isExplicit: Bool = true) -> SignalKey { SignalKey(hash: hash(name), isExplicit: isExplicit) }

    func signal(_ name: String, key: SignalKey? = nil, at: Timestamp = start, body: String = "body", source: SourceID = "tv") -> SignalRecord {
        SignalRecord(
            id: SignalID("sig-\(name)"), source: source, key: key ?? Self.key("key-\(name)"), bodyHash: Self.hash(body),
            body: body, verdict: .accepted, strategy: "trend", receivedAt: at, firedAt: nil, clientAddress: "127.0.0.1",
            requestID: "r-\(name)", traceparent: nil, answer: StoredAnswer(status: 202, body: "answer-\(name)"))
    }

    func order(_ name: String, of signal: String? = nil, account: AccountID = "a1", side: Side = .buy) -> OrderRecord {
        OrderRecord(
            id: OrderID("ord-\(name)"), signalID: SignalID("sig-\(signal ?? name)"), strategy: "trend", account: account, leg: 0,
            clientOrderID: ClientOrderID("c-\(name)"), symbol: "BTCUSDT", signalSymbol: "BTCUSD", side: side, type: .limit,
            timeInForce: .gtc, requestedQuantity: 2, limitPrice: 60000, stopPrice: nil, reduceOnly: false, referencePrice: nil,
            policy: OrderPolicy(), requestID: "r-\(name)", createdAt: Self.start, updatedAt: Self.start,
            expiresAt: Self.start + .seconds(60))
    }

    func fill(_ id: ExecutionID, quantity: Quantity = 1) -> Fill {
        Fill(
            executionID: id, venueOrderID: "v1", clientOrderID: nil, symbol: "BTCUSDT", side: .buy, quantity: quantity, price: 60000,
            fee: nil, feeAsset: nil, executedAt: Self.start)
    }

    /// Alerts of the suite have a type of their own.
    static let noteType = "conformance_note"

    static func note(_ severity: AlertSeverity, _ message: String) -> AlertDraft {
        AlertDraft(type: noteType, severity: severity, subject: "s", message: message)
    }

    // MARK: Steps

    func tenure(_ account: AccountID = "a1", owner: OwnerToken = "owner-1", at store: (any OrderStore)? = nil) async throws -> Tenure {
        try await (store ?? self.store).openTenure(tenureRequest(account, owner)).tenure
    }

    func tenureRequest(_ account: AccountID, _ owner: OwnerToken) -> TenureRequest {
        TenureRequest(
            account: account, owner: owner, holder: Self.holder, leaseFence: FencingToken(epoch: 1, counter: 1), configurationHash: "c",
            at: Self.start)
    }

    /// Admits one signal with one order and returns the order's id.
    @discardableResult
    func admit(_ name: String, at store: (any OrderStore)? = nil, change: (inout OrderRecord) -> Void = { _ in }) async throws -> OrderID {
        var order = order(name)
        change(&order)
        let result = try await (store ?? self.store).admit(Admission(signal: signal(name), orders: [order], window: .seconds(300), rate: nil))
        try expect(result == .admitted, "a new signal was not admitted: \(result)")
        return order.id
    }

    func request(_ id: OrderID, _ tenure: Tenure, at: Timestamp = start + .seconds(1)) -> PermitRequest {
        PermitRequest(
            orderID: id, tenure: tenure, now: at, notAfter: MonotonicInstant(sinceBoot: .seconds(100)), notAfterWall: at + .seconds(5))
    }

    /// Asks for a permit and grants it.
    @discardableResult
    func permit(_ id: OrderID, _ tenure: Tenure, at now: Timestamp = start + .seconds(1), by store: (any OrderStore)? = nil) async throws -> PermitResult {
        try await (store ?? self.store).permit(request(id, tenure, at: now)) { Self.grant($0.order) }
    }

    static func grant(
        _ order: OrderRecord, quantity: Quantity? = nil, clientOrderID: ClientOrderID? = nil, bracket: Bracket? = nil
    ) -> PermitVerdict {
        do {
            let new = try NewOrder(
                clientOrderID: clientOrderID ?? order.clientOrderID, symbol: order.symbol, side: order.side, type: order.type,
                quantity: quantity ?? order.requestedQuantity, limitPrice: order.limitPrice, stopPrice: order.stopPrice, timeInForce: order.timeInForce, bracket: bracket)
            return .grant(new, notes: [])
        } catch { return .wait(reason: "the suite's order is incomplete: \(error)") }
    }

    /// A tenure, and an order with its first permit.
    func permitted(_ name: String = "a") async throws -> (tenure: Tenure, order: OrderID) {
        let tenure = try await tenure()
        let id = try await admit(name)
        try await permit(id, tenure)
        return (tenure, id)
    }

    /// Changes the order's record alone.
    @discardableResult
    func change(
        _ id: OrderID, _ tenure: Tenure, fills: [Fill] = [], _ body: @escaping @Sendable (inout OrderRecord) -> Void
    ) async throws -> OrderRecord {
        try await store.update(id, under: tenure, at: Self.start) { snapshot in
            var order = snapshot.order
            body(&order)
            return OrderChange(order: order, newFills: fills)
        }
    }

    /// Records how the latest attempt ended.
    func end(_ id: OrderID, _ tenure: Tenure, outcome: String) async throws {
        try await store.update(id, under: tenure, at: Self.start) { snapshot in
            guard var attempt = snapshot.attempts.last else { return nil }
            attempt.outcome = outcome
            attempt.endedAt = Self.start
            return OrderChange(order: snapshot.order, attempts: [attempt])
        }
    }

    /// The facts that a permit for this order would be decided on now.
    func facts(_ id: OrderID, _ tenure: Tenure) async throws -> PermitFacts {
        let seen = Slot()
        _ = try await store.permit(request(id, tenure)) { facts in
            seen.set(facts)
            return .wait(reason: "")
        }
        guard let facts = seen.facts else { throw ClauseFailure("the decision was not asked for") }
        return facts
    }

    private final class Slot: Sendable {
        private let value = Mutex<PermitFacts?>(nil)
        func set(_ facts: PermitFacts) { value.withLock { $0 = facts } }
        var facts: PermitFacts? { value.withLock { $0 } }
    }

    /// Runs so many works at once, and returns their results.
    func atOnce<T: Sendable>(_ count: Int, _ work: @escaping @Sendable (Int) async throws -> T) async -> [Result<T, any Error>] {
        await withTaskGroup(of: Result<T, any Error>.self) { group in
            for number in 0..<count {
                group.addTask { do { return .success(try await work(number)) } catch { return .failure(error) } }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    // MARK: What must hold

    /// The chain is whole.
    func expectWholeJournal(_ store: (any OrderStore)? = nil) async throws {
        let wrong = try await (store ?? self.store).verifyJournal()
        try expect(wrong == nil, "the journal does not fit from line \(wrong ?? 0)")
    }

    enum Failure: String { case refused, fenced, unavailable, notFound, limiterUnavailable, mixedVersions }

    func expectFailure(_ kind: Failure, _ what: String, _ body: () async throws -> Void) async throws {
        do { try await body() } catch let error as StoreError {
            let found: Failure =
                switch error {
                case .refused: .refused
                case .fenced: .fenced
                case .unavailable: .unavailable
                case .notFound: .notFound
                case .limiterUnavailable: .limiterUnavailable
                case .mixedVersions: .mixedVersions
                }
            return try expect(found == kind, "\(what) must be \(kind.rawValue), but: \(error)")
        }
        throw ClauseFailure("\(what) must be \(kind.rawValue), but succeeded")
    }
}

extension Array {
    /// Of results of works that ran at once.
    func successes<T>() -> [T] where Element == Result<T, any Error> { compactMap { try? $0.get() } }
    func firstError<T>() -> (any Error)? where Element == Result<T, any Error> {
        lazy.compactMap { if case .failure(let error) = $0 { error } else { nil } }.first
    }
}
