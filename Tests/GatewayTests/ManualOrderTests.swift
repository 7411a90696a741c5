import Foundation
import Gateway
import OrderFlow
import StoreContract
import TestSupport
import Testing
import TradingModel

/// Orders that a person places: the same way as a signal's, with a key that makes a repeat safe.
@Suite(.timeLimit(.minutes(5))) struct ManualOrderTests {
    private func place(_ scene: InProcessScene, key: String?, _ fields: String) async -> HookAnswer {
        let body = #"{"v":1,"action":"buy","quantity":"0.01",\#(fields)}"#
        return await scene.gateway.place(
            HookRequest(
                source: "manual", pathSecret: nil, headers: key.map { ["idempotency-key": $0] } ?? [:], body: Array(body.utf8), peerAddress: "127.0.0.1",
                requestID: "r", traceparent: nil))
    }

    private func with(_ accounts: [AccountID], policy: OrderPolicy = OrderPolicy(), _ body: @escaping @Sendable (InProcessScene) async throws -> Void) async throws {
        try await InProcessScene.with(InProcessScene.settings(accounts: accounts, policy: policy), body)
    }

    @Test func `an order for an account is sent once, however often its key comes`() async throws {
        try await with(["a", "b"]) { scene async throws in
            let answers = await withTaskGroup(of: HookAnswer.self, returning: [HookAnswer].self) { group in
                for _ in 0..<8 { group.addTask { await place(scene, key: "k1", #""account":"b","symbol":"BTCUSDT""#) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers.map(\.body)).count == 1 && answers.allSatisfy { $0.status == 202 }, "\(answers)")
            let order = try #require(try await scene.settled(1).first)
            #expect(answers[0].body.contains(order.id.rawValue))
            #expect(order.state == .filled && order.account == "b" && order.strategy == "manual" && order.symbol == "BTCUSDT")
            #expect(scene.brokers["b"]?.venue.state.withLock { $0.placed.count } == 1)
            #expect(try await scene.store.signal(order.signalID)?.source == "manual")
        }
    }

    @Test func `an order for a strategy has the strategy's symbols and rules`() async throws {
        try await with(["a", "b"], policy: OrderPolicy(cooldown: .seconds(3600))) { scene async throws in
            #expect(await place(scene, key: "k1", #""strategy":"trend","symbol":"BTCUSD""#).status == 202)
            #expect(Set(try await scene.settled(2).map(\.account)) == ["a", "b"])
            // The strategy's cooldown stands in the way of the next one, as it would in a signal's.
            #expect(await place(scene, key: "k2", #""strategy":"trend","account":"a","symbol":"BTCUSD""#).status == 202)
            let third = try #require(try await scene.settled(3).first)
            #expect(third.account == "a" && third.state == .skipped && third.reason == "cooldown")
        }
    }

    @Test func `a key is required, and belongs to one body`() async throws {
        try await with(["a"]) { scene async throws in
            #expect(await place(scene, key: nil, #""account":"a","symbol":"BTCUSDT""#).body.contains("idempotency_key_missing"))
            #expect(await place(scene, key: "k1", #""account":"a","symbol":"BTCUSDT""#).status == 202)
            let other = await place(scene, key: "k1", #""account":"a","symbol":"ETHUSDT""#)
            #expect(other.status == 422 && other.body.contains("idempotency_conflict"))
            #expect(try await scene.settled(1).count == 1)
        }
    }

    @Test(arguments: [
        (#""symbol":"BTCUSDT""#, "missing_field"), (#""account":"x","symbol":"BTCUSDT""#, "unknown_account"),
        (#""strategy":"x","symbol":"BTCUSD""#, "unknown_strategy"), (#""strategy":"trend","account":"b","symbol":"BTCUSD""#, "unknown_account"),
        (#""strategy":"trend","symbol":"XXX""#, "unknown_symbol"), (#""account":"a","symbol":"BTCUSDT","sice":1"#, "unknown_field"),
        (#""account":"a""#, "missing_field"),
    ])
    func `what cannot be placed is told, and nothing is stored`(_ fields: String, _ code: String) async throws {
        var settings = InProcessScene.settings(accounts: ["a", "b"])
        settings.strategies = InProcessScene.settings(accounts: ["a"]).strategies
        try await InProcessScene.with(settings) { scene async throws in
            let answer = await place(scene, key: "k", fields)
            #expect((400..<500).contains(answer.status) && answer.body.contains(code), "\(answer)")
            #expect(try await scene.store.signals(before: nil, limit: 10).isEmpty)
        }
    }
}
