import BrokerContract
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import Gateway

/// A stream that says nothing of an order while it looks alive.
@Suite(.timeLimit(.minutes(5))) struct SweepTests {
    private static let limit = #","type":"limit","limit_price":"50000""#

    @Test func `a resting order whose end no event told is found by the list of open orders`() async throws {
        let settings = InProcessScene.settings(accounts: ["a"], change: {
            // The single question would come too late to be seen here.
            $0.tracking.backgroundInterval = .seconds(3600)
            $0.sendWindow = .seconds(60)
        })
        try await InProcessScene.with(settings) { scene async throws in
            let broker = try #require(scene.brokers["a"])
            broker.venue.state.withLock { $0.script = [.rest] }
            #expect(await scene.post(id: "1", extra: Self.limit).status == 202)
            try await waitUntil("the order rests") { try await scene.orders().first?.state == .accepted }
            broker.end()
            #expect(try await scene.settled(1).first?.state == .cancelled)
        }
    }

    @Test func `many resting orders are known to live by the list, not by a question each`() async throws {
        let count = 30
        let settings = InProcessScene.settings(accounts: ["a"], change: { $0.sendWindow = .seconds(60) })
        try await TemporaryFolder.with { folder in
            let venue = ScriptedVenue()
            venue.state.withLock { $0.script = Array(repeating: .rest, count: count) }
            let first = try await InProcessScene.make(settings, folder: folder, venues: ["a": venue])
            try await first.running {
                for number in 0..<count { #expect(await first.post(id: "\(number)", extra: Self.limit).status == 202) }
                try await waitUntil("the orders rest") { try await first.orders().count { $0.state == .accepted } == count }
            }
            await first.store.close()
            venue.state.withLock { $0.lookups = 0 }
            let second = try await InProcessScene.make(settings, folder: folder, venues: ["a": venue])
            try await second.running {
                #expect(await second.post(id: "new").status == 202)
                try await waitUntil("the new order is filled") { try await second.orders().contains { $0.state == .filled } }
            }
            await second.store.close()
            let lookups = venue.state.withLock { $0.lookups }
            #expect(lookups < count, "\(lookups) questions")
        }
    }

    @Test func `the list is read more slowly while the venue's limit is used up, and then soon as before`() {
        var pace = SweepPace()
        pace.note(isHeldBack: false, least: .seconds(5))
        #expect(pace.pause == .seconds(5) && !pace.isSlowed)
        for expected in [10, 20, 40, 60, 60] {
            pace.note(isHeldBack: true, least: .seconds(5))
            #expect(pace.pause == .seconds(expected) && pace.isSlowed)
        }
        pace.note(isHeldBack: false, least: .seconds(5))
        #expect(pace.pause == .seconds(45) && pace.isSlowed)
        for _ in 0..<10 { pace.note(isHeldBack: false, least: .seconds(5)) }
        #expect(pace.pause == .seconds(5) && !pace.isSlowed)
    }
}
