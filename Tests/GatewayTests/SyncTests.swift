import BrokerContract
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import Gateway

/// What a person asks about single orders, and what is told of those that take too long.
@Suite struct SyncTests {
    private static func settings(stale: Duration = .seconds(3600)) -> GatewaySettings {
        InProcessScene.settings(accounts: ["a"], maxAge: .seconds(600), change: {
            $0.tracking.backgroundInterval = .seconds(3600)
            $0.tracking.immediateInterval = .seconds(3600)
            $0.tracking.reconcileInterval = .seconds(3600)
            $0.tracking.deepReconcileInterval = .seconds(3600)
            $0.tracking.staleMarketOrder = stale
        })
    }

    private func rest(_ scene: InProcessScene, extra: String = "") async throws -> OrderRecord {
        try #require(scene.brokers["a"]?.venue).state.withLock { $0.script = [.rest] }
        #expect(await scene.post(extra: extra).status == 202)
        var order: OrderRecord?
        try await waitUntil("the order rests", within: .seconds(60)) {
            order = try await scene.orders().first
            return order?.state == .accepted
        }
        return try #require(order)
    }

    @Test(arguments: ["ours", "client", "venue"]) func `an order is asked about by any of its ids`(_ which: String) async throws {
        try await InProcessScene.with(Self.settings()) { scene in
            let order = try await rest(scene)
            let name = which == "ours" ? order.id.rawValue : which == "client" ? order.clientOrderID.rawValue : order.venueOrderID?.rawValue ?? ""
            guard case .done(let same) = try await scene.gateway.sync(order: name) else {
                Issue.record("no answer")
                return
            }
            #expect(same.before == .accepted && same.order.state == .accepted && same.answer.word == "found")
            scene.brokers["a"]?.surface()
            guard case .done(let sync) = try await scene.gateway.sync(order: name) else {
                Issue.record("no answer")
                return
            }
            #expect(sync.order.id == order.id && sync.before == .accepted && sync.order.state == .filled)
            // An order that has ended is asked about too, and stays.
            guard case .done(let again) = try await scene.gateway.sync(order: order.id.rawValue) else {
                Issue.record("no answer")
                return
            }
            #expect(again.before == .filled && again.order.state == .filled)
        }
    }

    @Test func `an unknown id, and a venue without an answer, are told as such`() async throws {
        try await InProcessScene.with(Self.settings()) { scene in
            let order = try await rest(scene)
            guard case .noSuchOrder = try await scene.gateway.sync(order: "nothing") else {
                Issue.record("it was found")
                return
            }
            scene.brokers["a"]?.venue.state.withLock { $0.lookupsFail = true }
            guard case .unreachable(let record, _) = try await scene.gateway.sync(order: order.id.rawValue) else {
                Issue.record("it was reached")
                return
            }
            #expect(record.state == .accepted)
            guard case .noSuchAccount = await scene.gateway.sync(account: "b", depth: .light) else {
                Issue.record("there is an account b")
                return
            }
        }
    }

    @Test func `what is watched is shown with its source and its last answer`() async throws {
        try await InProcessScene.with(Self.settings()) { scene in
            let order = try await rest(scene)
            _ = try await scene.gateway.sync(order: order.id.rawValue)
            try await waitUntil("the stream is up", within: .seconds(60)) { await scene.gateway.watchedOrders().first?.isStreamed == true }
            let watched = try #require(await scene.gateway.watchedOrders().first)
            #expect(watched.order.id == order.id && watched.lastAnswer == "found" && watched.lastAnswerAt != nil && watched.checks >= 1)
            scene.brokers["a"]?.tell(.disconnected(reason: "test"))
            try await waitUntil("it is polled", within: .seconds(60)) {
                let now = await scene.gateway.watchedOrders().first
                return now?.isStreamed == false && (now?.nextCheckIn ?? .seconds(9)) <= .seconds(1)
            }
        }
    }

    @Test func `market orders that take too long are one alert of the account, which ends with them`() async throws {
        try await InProcessScene.with(Self.settings(stale: .milliseconds(100))) { scene in
            let order = try await rest(scene)
            var alert: AlertRecord?
            try await waitUntil("it is told", within: .seconds(60)) {
                alert = try await scene.store.alerts(includeResolved: false, limit: 100).first { $0.type == "stale_order" }
                return alert != nil
            }
            #expect(alert?.subject == "account:a" && alert?.message.contains("order \(order.id) permitted → accepted") == true, "\(alert?.message ?? "")")
            #expect(await scene.gateway.watchedOrders().first?.isStale == true)
            scene.brokers["a"]?.surface()
            _ = try await scene.gateway.sync(order: order.id.rawValue)
            try await waitUntil("it is resolved", within: .seconds(60)) {
                try await !scene.store.alerts(includeResolved: false, limit: 100).contains { $0.type == "stale_order" }
            }
        }
    }

    @Test func `a tracking task that ends is restarted, and a person is told`() async throws {
        try await InProcessScene.with(Self.settings()) { scene in
            scene.brokers["a"]?.endStream()
            try await waitUntil("it is told", within: .seconds(60)) {
                try await scene.store.alerts(includeResolved: true, limit: 100).contains { $0.type == "task_dead" && $0.subject == "task:a.events" }
            }
            // Without events the queries go on.
            #expect(await scene.post().status == 202)
            _ = try await scene.settled(1)
        }
    }
}
