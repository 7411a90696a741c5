import BrokerContract
import Foundation
import Gateway
import LockContract
import Logging
import MemoryLock
import OrderFlow
import RateLimitContract
import SQLiteStore
import StoreContract
import TestSupport
import TradingModel

/// A gateway in this process on a real SQLite store, with venues that a test scripts.
struct InProcessScene: Sendable {
    let store: any OrderStore
    let brokers: [AccountID: ScriptedBroker]
    let gateway: TradingGateway
    let clock: any TradingClock

    static func settings(
        accounts: [AccountID], policy: OrderPolicy = OrderPolicy(), maxAge: Duration = .seconds(60), source: (inout SourceSettings) -> Void = { _ in },
        change: (inout GatewaySettings) -> Void = { _ in }
    ) -> GatewaySettings {
        var tv = SourceSettings(id: "tv", secrets: [Secret("s3cret")], rateLimit: nil, maxAge: maxAge)
        source(&tv)
        var symbols: [AccountID: Symbol] = [:]
        for account in accounts { symbols[account] = "BTCUSDT" }
        let strategy = Strategy(
            id: "trend", source: "tv", symbols: ["BTCUSD": symbols], accounts: accounts.map { .init(id: $0, sizing: .multiply(1)) }, policy: policy)
        var settings = GatewaySettings(
            gatewayID: "gw", sources: [tv], strategies: [strategy],
            accounts: accounts.map { AccountSettings(id: $0, broker: "scripted", mode: .sandbox) }, coarseLimitPerSecond: 100_000,
            lockTTL: .seconds(5), lockDelay: .milliseconds(200), sendWindow: .milliseconds(200), pauseMargin: .milliseconds(200), configurationHash: "test")
        change(&settings)
        return settings
    }

    static func openStore(_ folder: TemporaryFolder, clock: any TradingClock = SystemClock()) async throws -> any OrderStore {
        try await SQLiteStorePlugin.openStore(.init(path: folder.file("store.db")), context: StoreContext(clock: clock, logger: quiet))
    }

    static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    /// Makes the gateway without running it.
    static func make(_ settings: GatewaySettings, folder: TemporaryFolder, clock: any TradingClock = SystemClock(), venues: [AccountID: ScriptedVenue] = [:], locks: (any LockBackend)? = nil, limiter: (any RateLimiter)? = nil)
        async throws -> InProcessScene
    {
        let store = try await openStore(folder, clock: clock)
        var brokers: [AccountID: ScriptedBroker] = [:]
        for account in settings.accounts { brokers[account.id] = ScriptedBroker(venues[account.id] ?? ScriptedVenue()) }
        let gateway = TradingGateway(
            settings: settings, store: store, locks: locks ?? MemoryLock(clock: clock), brokers: brokers, limiter: limiter, clock: clock, logger: quiet)
        return InProcessScene(store: store, brokers: brokers, gateway: gateway, clock: clock)
    }

    /// Admits one order for the account `a` that nobody works.
    static func admitted(to store: any OrderStore) async throws -> OrderID {
        let broker = ScriptedBroker(ScriptedVenue())
        let gateway = TradingGateway(
            settings: settings(accounts: ["a"], maxAge: .seconds(3600)), store: store, locks: MemoryLock(clock: SystemClock()), brokers: ["a": broker],
            clock: SystemClock(), logger: quiet)
        let scene = InProcessScene(store: store, brokers: ["a": broker], gateway: gateway, clock: SystemClock())
        let answer = await scene.post()
        guard answer.status == 202, let order = try await scene.orders().first else { throw TimedOut(description: answer.body) }
        return order.id
    }

    /// Runs the gateway while `body` does its work.
    static func with(_ settings: GatewaySettings, _ body: @escaping @Sendable (InProcessScene) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            let scene = try await make(settings, folder: folder)
            try await scene.running { try await body(scene) }
            await scene.store.close()
        }
    }

    func running(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { [gateway] in try await gateway.run() }
            group.addTask { try await body() }
            // The gateway runs until it is cancelled: the first to end is the body, or a failure.
            try await group.next()
            group.cancelAll()
        }
    }

    func post(
        _ action: String = "buy", quantity: String = "0.01", id: String? = nil, extra: String = "", secret: String? = "s3cret", headers: [String: String] = [:],
        from peer: String = "203.0.113.7"
    ) async -> HookAnswer {
        let key = id.map { #","alert_id":"\#($0)""# } ?? ""
        let body = #"{"v":1,"strategy":"trend","symbol":"BTCUSD","action":"\#(action)","quantity":"\#(quantity)"\#(key)\#(extra)}"#
        return await gateway.receive(
            HookRequest(source: "tv", pathSecret: secret, headers: headers, body: Array(body.utf8), peerAddress: peer, requestID: "r", traceparent: nil))
    }

    func orders() async throws -> [OrderRecord] { try await store.orders(OrderQuery(limit: 1000)) }

    func settled(_ count: Int, within limit: Duration = .seconds(60)) async throws -> [OrderRecord] {
        var orders: [OrderRecord] = []
        do {
            try await waitUntil("\(count) orders end", within: limit) {
                orders = try await self.orders()
                return orders.count == count && orders.allSatisfy(\.state.isTerminal)
            }
        } catch {
            throw TimedOut(description: "\(error): \(orders.map { "\($0.state) \($0.reason ?? "")" })")
        }
        return orders
    }

    func alertTypes() async throws -> Set<String> { Set(try await store.alerts(includeResolved: true, limit: 100).map(\.type)) }
}
