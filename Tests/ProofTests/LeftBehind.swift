import BrokerContract
import Foundation
import LockContract
import Logging
import OrderFlow
import SQLiteStore
import SimulatorKit
import StoreContract
import TestSupport
import TradingModel

/// What a gateway left when it died: a store with open orders, written through the store's own interface, and a venue that has them.
struct LeftBehind: Sendable {
    /// Each has as many of the orders as the others, and its own name as its key at the venue.
    let accounts: [AccountID]
    let path: String
    let exchange: SimulatedExchange
    private let now = SystemClock().wallTime

    init(path: String, accounts: [AccountID], exchange: SimulatedExchange) {
        self.path = path
        self.accounts = accounts
        self.exchange = exchange
    }

    /// Stores `count` open orders, of which every `count / unknown`-th has an outcome that is not known; every other one of those never reached the venue.
    func make(_ count: Int, unknown: Int) async throws {
        let store = try await SQLiteStorePlugin.openStore(
            .init(path: path), context: StoreContext(clock: SystemClock(), logger: Logger(label: "left") { _ in SwiftLogNoOpLogHandler() }))
        // Of this boot, and certainly dead: no process has a number above the kernel's greatest.
        var holder = HolderIdentity.current(gateway: "gw-dead", purpose: "account")
        holder = HolderIdentity(
            gateway: holder.gateway, host: holder.host, processID: 4_194_999, processStart: 1, bootID: holder.bootID, purpose: holder.purpose)
        var tenures: [Tenure] = []
        for account in accounts {
            let request = TenureRequest(
                account: account, owner: "dead-owner", holder: holder, leaseFence: FencingToken(epoch: 1, counter: 1), configurationHash: "c", at: now)
            tenures.append(try await store.openTenure(request).tenure)
        }
        let every = count / unknown
        // Many at once share a commit.
        for start in stride(from: 0, to: count, by: 200) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in start..<min(start + 200, count) {
                    let doubt: Doubt = number % every != 0 ? .none : number / every % 2 == 0 ? .atVenue : .lost
                    let tenure = tenures[number * tenures.count / count]
                    group.addTask { try await leave(number, doubt, in: store, under: tenure) }
                }
                try await group.waitForAll()
            }
        }
        await store.close()
    }

    private enum Doubt { case none, atVenue, lost }

    private func leave(_ number: Int, _ doubt: Doubt, in store: any OrderStore, under tenure: Tenure) async throws {
        let order = record(number, at: tenure.account)
        let answer = StoredAnswer(status: 202, body: "{}")
        let hash = String(repeating: "0", count: 64 - 8) + String(format: "%08x", number)
        let signal = SignalRecord(
            id: order.signalID, source: "tv", key: SignalKey(hash: hash, isExplicit: true), bodyHash: hash, body: "{}", verdict: .accepted,
            strategy: "trend", receivedAt: now, firedAt: nil, clientAddress: "127.0.0.1", requestID: order.requestID, traceparent: nil, answer: answer)
        guard try await store.admit(Admission(signal: signal, orders: [order], window: .seconds(300), rate: nil)) == .admitted else {
            throw TimedOut(description: "order \(number) is not admitted")
        }
        let newOrder = try NewOrder(
            clientOrderID: order.clientOrderID, symbol: order.symbol, side: .buy, type: .limit, quantity: order.requestedQuantity,
            limitPrice: order.limitPrice, timeInForce: .gtc)
        let request = PermitRequest(
            orderID: order.id, tenure: tenure, now: now, notAfter: SystemClock().monotonic + .seconds(1), notAfterWall: now + .seconds(1))
        guard case .granted(let permit, _) = try await store.permit(request, deciding: { _ in .grant(newOrder, notes: []) }) else {
            throw TimedOut(description: "order \(number) is not permitted")
        }
        var report: OrderReport?
        if doubt != .lost {
            let taken = try exchange.place(
                OrderRequest(
                    account: tenure.account.rawValue, clientOrderID: order.clientOrderID.rawValue, symbol: order.symbol, side: .buy, kind: .limit,
                    quantity: order.requestedQuantity, limitPrice: order.limitPrice))
            guard let id = taken.first?.order.id else { throw TimedOut(description: "order \(number) is not at the venue") }
            report = OrderReport(
                venueOrderID: VenueOrderID(String(id)), clientOrderID: order.clientOrderID, symbol: order.symbol, side: .buy, type: .limit,
                status: .accepted, venueStatus: "NEW", quantity: order.requestedQuantity, filledQuantity: .zero, averagePrice: nil, updatedAt: now)
        }
        let known = doubt == .none ? report : nil
        try await store.update(order.id, under: tenure, at: now) { snapshot in
            let evidence = Evidence(mayHaveLeft: true)
            let outcome = known.map { PlaceOutcome.accepted($0, fills: [], evidence) } ?? .unknown(.timedOut, evidence)
            return OrderReducer.outcome(outcome, attempt: permit.attempt, of: snapshot, base: nil, at: now)
        }
    }

    private func record(_ number: Int, at account: AccountID) -> OrderRecord {
        let name = String(format: "%06d", number)
        // Below the market, so that it rests.
        return OrderRecord(
            id: OrderID("LEFT\(name)-000"), signalID: SignalID("LEFT\(name)"), strategy: "trend", account: account, leg: 0,
            clientOrderID: ClientOrderID("left-\(name)"), symbol: "BTCUSDT", signalSymbol: "BTCUSD", side: .buy, type: .limit, timeInForce: .gtc,
            requestedQuantity: Quantity(Decimal(sign: .plus, exponent: -5, significand: 20)), limitPrice: 55000, stopPrice: nil, reduceOnly: false,
            referencePrice: nil, policy: OrderPolicy(), requestID: "left-\(name)", createdAt: now, updatedAt: now, expiresAt: now + .seconds(3600))
    }
}
