import BrokerContract
import Foundation
import StoreContract
import TestSupport
import Testing
import TradingModel

/// Positions whose stops the gateway itself places: never longer without one than configured, but for a critical alert.
@Suite(.serialized) struct ProtectionTests {
    private let patient = ProtectionPolicy(stopWithin: .seconds(60), onFailure: .alert)
    private let strict = ProtectionPolicy(stopWithin: .seconds(10), onFailure: .flatten)
    private let alerting = ProtectionPolicy(stopWithin: .seconds(10), onFailure: .alert)

    /// At no moment is something held without its stop for longer than allowed, unless a critical alert says so.
    private func expectTold(_ scene: ProtectionScene, _ protection: ProtectionPolicy) async throws {
        guard let since = try await scene.episodes().first?.unprotectedSince, scene.clock.wallTime - since > protection.stopWithin + .seconds(1) else { return }
        var alert = try await scene.alert("position_unprotected")
        // The machine may be slow; time hardly moves while it catches up.
        for _ in 0..<1000 where alert == nil {
            try await scene.tick(.milliseconds(1))
            alert = try await scene.alert("position_unprotected")
        }
        let found = try await scene.describe()
        #expect(alert?.severity == .critical, "\(scene.clock.wallTime - since) without a stop: \(found)")
    }

    @Test func `an entry is followed by its stop, and the position is active once the venue has it`() async throws {
        try await ProtectionScene.with(patient) { scene in
            #expect(await scene.post() == 202)
            try await scene.until("the stop is in place") { try await scene.state() == .active }
            #expect(scene.venue.stopsWorking == 2 && scene.venue.entriesTaken.count == 1)
            try await scene.until("the step is done") { try await scene.steps().map(\.state) == [.done] }
            #expect(try await scene.alert("position_unprotected") == nil)
            let stop = try #require(try await scene.orders(.stopLoss).first)
            #expect(stop.stopPrice == 19000 && stop.side == .sell && stop.state == .accepted && stop.reduceOnly)
        }
    }

    @Test func `the stop follows partial fills, each part at once`() async throws {
        try await ProtectionScene.with(patient) { scene in
            scene.venue.change { $0.entries = [.rest] }
            #expect(await scene.post(quantity: "5", extra: #","type":"limit","limit_price":"20000""#) == 202)
            try await scene.until("the entry rests") { try await scene.state() == .entryPlaced }
            let entry = try #require(scene.venue.entriesTaken.first)
            var filled: Quantity = 0
            for part in [1, 3, 1] as [Quantity] {
                scene.venue.trade(entry.clientOrderID, part)
                filled += part
                let expected = filled
                try await scene.until("\(expected) are protected") { scene.venue.stopsWorking == expected }
                try await scene.until("the position is active") { try await scene.state() == .active }
            }
            #expect(scene.venue.stopsWorking == 5 && scene.venue.held == 5)
        }
    }

    @Test func `a stop that is refused is tried again, then the position is given back, once`() async throws {
        try await ProtectionScene.with(strict) { scene in
            scene.venue.change { $0.stops = [.refuse] }
            #expect(await scene.post() == 202)
            try await scene.until("it is given back") {
                try await expectTold(scene, strict)
                return try await scene.state() == .rolledBack
            }
            #expect(try await scene.held() == 0)
            #expect(scene.venue.held == 0)
            #expect(try await scene.orders(.flatten).map(\.state) == [.filled])
            #expect(try await scene.orders(.stopLoss).count > 1)
            #expect(try await scene.alert("position_flattened")?.severity == .critical)
            try await scene.until("the steps have ended") { try await scene.steps().allSatisfy { $0.state.isTerminal } }
            let steps = try await scene.steps()
            #expect(steps.map(\.kind) == [.placeStop, .flatten] && steps.map(\.state) == [.failed, .done])
            try await scene.pass(.seconds(20), step: .milliseconds(500))
            #expect(scene.venue.held == 0)
        }
    }

    @Test func `where it is not to be given back, a person is told and the stop is tried for until it is in place`() async throws {
        try await ProtectionScene.with(alerting) { scene in
            scene.venue.change { $0.stops = [.refuse] }
            #expect(await scene.post() == 202)
            try await scene.until("a person is told") {
                try await expectTold(scene, alerting)
                return try await scene.alert("position_unprotected") != nil
            }
            try await scene.pass(.seconds(10)) { try await expectTold(scene, alerting) }
            #expect(try await scene.held() == 2)
            scene.venue.change { $0.stops = [.accept] }
            try await scene.until("it is protected") { try await scene.state() == .active }
            try await scene.until("the alert is resolved") { try await scene.alert("position_unprotected")?.resolvedAt != nil }
            #expect(scene.venue.stopsWorking == 2 && scene.venue.mostStopsTaken == 1)
        }
    }

    @Test func `a stop without a reply is found, and no other is placed beside it`() async throws {
        try await ProtectionScene.with(strict) { scene in
            scene.venue.change { $0.stops = [.lose, .accept] }
            #expect(await scene.post() == 202)
            try await scene.until("it is found") {
                try await expectTold(scene, strict)
                return try await scene.state() == .active
            }
            try await scene.pass(.seconds(5))
            #expect(scene.venue.stopsWorking == 2 && scene.venue.mostStopsTaken == 1 && scene.venue.held == 2)
        }
    }

    @Test func `a stop that vanished is alerted in time, and ends protected or given back, never both`() async throws {
        try await ProtectionScene.with(strict) { scene in
            scene.venue.change { $0.stops = [.vanish, .accept] }
            #expect(await scene.post() == 202)
            try await scene.until("it is settled", within: .seconds(300)) {
                try await expectTold(scene, strict)
                let state = try await scene.state()
                return state == .active || state == .rolledBack
            }
            try await scene.pass(.seconds(20), step: .milliseconds(500))
            let held = scene.venue.held
            #expect(try await scene.held() == held)
            #expect(held == 2 ? scene.venue.stopsWorking == 2 : held == 0 && scene.venue.stopsWorking == 0)
        }
    }

    @Test func `a venue that is away for a minute is alerted in time, and the position is protected once it is back`() async throws {
        try await ProtectionScene.with(strict) { scene in
            scene.venue.change { $0.entries = [.fillAndGoAway] }
            #expect(await scene.post() == 202)
            try await scene.until("the fill is known") { try await scene.state() == .pendingStop }
            try await scene.pass(.seconds(60), step: .milliseconds(200)) { try await expectTold(scene, strict) }
            #expect(try await scene.alert("position_unprotected")?.severity == .critical)
            #expect(try await scene.held() == 2)
            scene.venue.change { $0.isUp = true }
            try await scene.until("it is protected") { try await scene.state() == .active }
            #expect(scene.venue.stopsWorking == 2 && scene.venue.held == 2)
            #expect(try await scene.orders(.flatten).isEmpty)
            try await scene.until("the alert is resolved") { try await scene.alert("position_unprotected")?.resolvedAt != nil }
        }
    }

    @Test func `a close takes the stop out of its way first, and leaves nothing behind`() async throws {
        try await ProtectionScene.with(patient) { scene in
            #expect(await scene.post() == 202)
            try await scene.until("the stop is in place") { try await scene.state() == .active }
            #expect(await scene.post("close", stop: nil) == 202)
            try await scene.until("it is closed") { try await scene.state() == .closed }
            #expect(scene.venue.held == 0 && scene.venue.stopsWorking == 0)
            #expect(try await scene.orders().map(\.state) == [.filled, .filled])
            #expect(try await scene.orders(.stopLoss).map(\.state) == [.cancelled])
        }
    }

    @Test func `a reversal closes, waits until it is flat, then opens, and an unchanged target does nothing`() async throws {
        try await ProtectionScene.with(patient, intent: .target) { scene in
            #expect(await scene.post(stop: nil, extra: #","position":"long","position_size":"2""#) == 202)
            try await scene.until("it is long") { try await scene.held() == 2 }
            #expect(await scene.post("sell", stop: nil, extra: #","position":"short","position_size":"3""#) == 202)
            try await scene.until("it is short") { try await scene.held() == -3 }
            #expect(await scene.post("sell", stop: nil, extra: #","position":"short","position_size":"3""#) == 202)
            try await scene.until("all have ended") {
                let orders = try await scene.orders()
                return orders.count == 6 && orders.allSatisfy(\.state.isTerminal)
            }
            let placed = scene.venue.state.withLock { $0.placed }
            #expect(placed.map(\.side) == [.buy, .sell, .sell] && placed.map(\.quantity) == [2, 2, 3])
            #expect(try await scene.orders().map(\.reason).filter { $0 == "at_target" }.count == 3)
            #expect(try await scene.episodes().map(\.state) == [.active, .closed])
            #expect(scene.venue.held == -3)
        }
    }
}
