import BrokerContract
import Foundation
import Gateway
import MemoryLock
import OrderFlow
import StoreContract
import TestSupport
import TradingModel

/// A gateway on a real store whose time a test moves, and a venue that takes stops as orders of their own.
struct ProtectionScene: Sendable {
    let store: any OrderStore
    let venue: ProtectionVenue
    let gateway: TradingGateway
    let clock: ManualClock

    static func settings(_ protection: ProtectionPolicy, policy: OrderPolicy, intent: OrderIntent.Kind) -> GatewaySettings {
        InProcessScene.settings(accounts: ["a"], policy: policy, maxAge: .seconds(3600), change: { settings in
            settings.strategies = [
                Strategy(
                    id: "trend", source: "tv", symbols: ["MNQ": ["a": "MNQZ6"]], accounts: [.init(id: "a", sizing: .multiply(1))], policy: policy,
                    intent: intent, protection: .init(mode: .managed, policy: protection))
            ]
            settings.lockTTL = .seconds(300)
            settings.sendWindow = .seconds(60)
        })
    }

    static func with(
        _ protection: ProtectionPolicy = ProtectionPolicy(), policy: OrderPolicy = OrderPolicy(), intent: OrderIntent.Kind = .delta,
        _ body: @escaping @Sendable (ProtectionScene) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            let clock = ManualClock()
            let store = try await InProcessScene.openStore(folder, clock: clock)
            let venue = ProtectionVenue(clock: clock)
            let gateway = TradingGateway(
                settings: settings(protection, policy: policy, intent: intent), store: store, locks: MemoryLock(clock: clock), brokers: ["a": venue],
                clock: clock, logger: InProcessScene.quiet)
            let scene = ProtectionScene(store: store, venue: venue, gateway: gateway, clock: clock)
            try await withThrowingTaskGroup { group in
                group.addTask { try await gateway.run() }
                group.addTask {
                    try await scene.settle()
                    try await body(scene)
                }
                try await group.next()
                venue.release()
                group.cancelAll()
                // What sleeps is woken by the cancellation.
            }
            await store.close()
        }
    }

    // MARK: Time

    /// Moves time on by a little, and waits until everybody who could do something has done it and sleeps again.
    func tick(_ step: Duration = .milliseconds(25)) async throws {
        clock.advance(by: step)
        try await settle()
    }

    /// Loops of the gateway that always end up asleep.
    private static let loops = 5

    private func settle() async throws {
        let end = ContinuousClock.now + .seconds(30)
        var last = -1
        var same = 0
        while ContinuousClock.now < end {
            let count = clock.sleeperCount
            same = count == last && count >= Self.loops ? same + 1 : 0
            if same >= 4 { return }
            last = count
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    /// Moves time on until the condition holds.
    func until(_ what: String, within limit: Duration = .seconds(120), step: Duration = .milliseconds(25), _ condition: () async throws -> Bool) async throws {
        let end = clock.monotonic + limit
        while clock.monotonic < end {
            if try await condition() { return }
            try await tick(step)
        }
        throw TimedOut(description: "not within \(limit): \(what): \(try await describe())")
    }

    func pass(_ duration: Duration, step: Duration = .milliseconds(50), _ check: () async throws -> Void = {}) async throws {
        let end = clock.monotonic + duration
        while clock.monotonic < end {
            try await tick(min(step, end - clock.monotonic))
            try await check()
        }
    }

    // MARK: What is there

    func post(_ action: String = "buy", quantity: String = "2", stop: String? = "19000", extra: String = "") async -> Int {
        let stopLoss = stop.map { #","stop_loss":"\#($0)""# } ?? ""
        let body = #"{"v":1,"strategy":"trend","symbol":"MNQ","action":"\#(action)","quantity":"\#(quantity)"\#(stopLoss)\#(extra)}"#
        return await gateway.receive(
            HookRequest(
                source: "tv", pathSecret: "s3cret", headers: ["idempotency-key": UUID().uuidString], body: Array(body.utf8), peerAddress: "203.0.113.7",
                requestID: "r", traceparent: nil)
        ).status
    }

    func episodes() async throws -> [EpisodeRecord] { try await store.episodes(account: "a", includeEnded: true, limit: 100) }
    func state() async throws -> EpisodeState? { try await episodes().first?.state }
    func orders(_ purpose: OrderIntent.Purpose = .signal) async throws -> [OrderRecord] {
        try await store.orders(OrderQuery(limit: 1000)).filter { $0.purpose == purpose }.reversed()
    }
    func alert(_ type: String) async throws -> AlertRecord? { try await store.alerts(includeResolved: true, limit: 100).first { $0.type == type } }
    func steps() async throws -> [CompensationStep] { try await store.compensations(includeEnded: true, limit: 100).reversed() }
    func held() async throws -> Quantity { try await store.positions(account: "a").first?.quantity ?? .zero }

    func describe() async throws -> String {
        let orders = try await store.orders(OrderQuery(limit: 100)).reversed().map { "\($0.id) \($0.purpose) \($0.side) \($0.state) \($0.reason ?? "") \($0.filledQuantity)" }
        let alerts = try await store.alerts(includeResolved: true, limit: 100).map(\.type)
        let states = try await episodes().map(\.state)
        let steps = try await steps().map { "\($0.kind) \($0.state) \($0.detail ?? "")" }
        return "\(orders) \(states) \(steps) \(alerts)"
    }
}
