import OrderFlow
import StoreContract
import TradingModel

/// What came of asking the venue about one order because a person wished it.
public struct OrderSync: Sendable {
    public var before: OrderState
    public var order: OrderRecord
    public var answer: CheckAnswer
    public var at: Timestamp
}

public enum OrderSyncOutcome: Sendable {
    case noSuchOrder
    /// The text names several orders.
    case ambiguous([OrderID])
    case done(OrderSync)
    /// It was never sent, so that the venue knows nothing of it.
    case neverSent(OrderRecord)
    /// The venue gave no answer.
    case unreachable(OrderRecord, String)
    /// This gateway cannot have the account now.
    case notNow(String)
}

public enum AccountSyncOutcome: Sendable {
    case noSuchAccount
    case done(ReconciliationReport)
    case notNow(String)
}

/// Questions to the venues that a person asks for, and what a person releases.
extension TradingGateway {
    /// Asks the venue about one order and applies what it says.
    ///
    /// - Parameter name: Our id, the client order id, or the venue's id.
    public func sync(order name: String) async throws(StoreError) -> OrderSyncOutcome {
        let found = try await find(name)
        guard let order = found.first else { return .noSuchOrder }
        guard found.count == 1 else { return .ambiguous(found.map(\.id)) }
        guard order.attempts >= 1 else { return .neverSent(order) }
        guard let worker = worker(of: order.account) else { return .notNow(TenureKeeper.notOurs(order.account)) }
        guard await worker.keeper.grant() != nil else { return .notNow(TenureKeeper.noAccount) }
        // By opening the account its record may have changed.
        let before = try await store.order(order.id)?.order ?? order
        var answer = await worker.tracker.askNow(before)
        // A look of the tracker's own is under way; its answer is as good, and it is soon over.
        for _ in 0..<200 {
            guard case .notAsked(let why) = answer, why == OrderTracker.isAskedAlready else { break }
            do { try await clock.sleep(for: .milliseconds(25)) } catch { break }
            answer = await worker.tracker.askNow(try await store.order(order.id)?.order ?? before)
        }
        let after = try await store.order(order.id)?.order ?? before
        switch answer {
        case .noAnswer(let why): return .unreachable(after, why)
        case .notAsked(let why): return .notNow(why)
        case .found, .notFound: return .done(OrderSync(before: before.state, order: after, answer: answer, at: clock.wallTime))
        }
    }

    private func find(_ name: String) async throws(StoreError) -> [OrderRecord] {
        if let order = try await store.order(OrderID(name))?.order { return [order] }
        var found: [OrderRecord] = []
        for account in settings.accounts {
            if let order = try await store.order(account: account.id, clientOrderID: ClientOrderID(name)) { found.append(order) }
        }
        return found.isEmpty ? try await store.orders(OrderQuery(venueOrderID: VenueOrderID(name), limit: 10)) : found
    }

    /// Compares one account with its venue now.
    public func sync(account: AccountID, depth: ReconciliationRun.Depth) async -> AccountSyncOutcome {
        guard settings.accounts.contains(where: { $0.id == account }) else { return .noSuchAccount }
        guard let worker = worker(of: account) else { return .notNow(TenureKeeper.notOurs(account)) }
        switch await worker.reconciler.compare(depth, because: "request") {
        case .done(let report): return .done(report)
        case .notNow(let why): return .notNow(why)
        }
    }

    /// What is being watched by this gateway, by account.
    public func watchedOrders() async -> [WatchedOrder] {
        var all: [WatchedOrder] = []
        for account in settings.accounts { all += await worker(of: account.id)?.tracker.monitoring() ?? [] }
        return all
    }

    /// Releases a halted account. Throws `.notFound` if it is not halted.
    public func resume(_ account: AccountID, by actor: String, reason: String) async throws(StoreError) -> AccountHalt {
        let halt = try await store.resume(account, by: actor, reason: reason, at: clock.wallTime)
        logger.notice("account released", metadata: ["account": .string(account.rawValue), "actor": .string(actor)])
        worker(of: account)?.desk.wake()
        return halt
    }
}
