import BrokerContract
import Foundation
import Paper
import Testing
import TradingModel

@Suite(.timeLimit(.minutes(1))) struct ExitPairTests {
    private static func pair(stop: Price = 58000, target: Price = 65000, quantity: String = "0.005") throws -> ExitPair {
        try ExitPair(id: "x", symbol: "BTCUSDT", side: .sell, quantity: try Quantity(quantity), stopLoss: stop, takeProfit: target)
    }

    private func status(_ id: ClientOrderID, _ broker: PaperBroker) async -> VenueOrderStatus? {
        if case .found(let report) = await broker.lookup(PaperTests.reference(id)) { report.status } else { nil }
    }

    @Test func `a pair survives the end of the process, and a price that reaches one leg ends the other`() async throws {
        try await PaperTests.withFolder { folder in
            try await PaperTests.withBroker(in: folder) { broker async throws in
                _ = await broker.place(try PaperTests.order("e"), within: PaperTests.open)
                guard case .accepted(let report, let fills, _) = await broker.placeExitPair(try Self.pair(), within: PaperTests.open) else {
                    Issue.record("not accepted")
                    return
                }
                #expect(report.clientOrderID == "x-sl" && report.status == .accepted && fills.isEmpty)
            }
            try await PaperTests.withBroker(in: folder, PaperConfiguration(prices: ["BTCUSDT": 57000])) { broker async throws in
                #expect(await status("x-sl", broker) == .filled)
                #expect(await status("x-tp", broker) == .cancelled)
                #expect(try await broker.openOrders().isEmpty)
            }
        }
    }

    @Test func `the same pair again is the one that exists, another one under its id contradicts, and nothing is sold that is not held`() async throws {
        try await PaperTests.withFolder { folder in
            try await PaperTests.withBroker(in: folder) { broker async throws in
                guard case .refused(.insufficientFunds, _) = await broker.placeExitPair(try Self.pair(), within: PaperTests.open) else {
                    Issue.record("nothing was held")
                    return
                }
                _ = await broker.place(try PaperTests.order("e"), within: PaperTests.open)
                for _ in 0..<2 {
                    guard case .accepted(let report, _, _) = await broker.placeExitPair(try Self.pair(), within: PaperTests.open) else {
                        Issue.record("not accepted")
                        return
                    }
                    #expect(report.venueOrderID == "2")
                }
                for other in [try Self.pair(stop: 57000), try Self.pair(target: 66000), try Self.pair(quantity: "0.004")] {
                    guard case .unknown(.contradiction, _) = await broker.placeExitPair(other, within: PaperTests.open) else {
                        Issue.record("\(other) was taken for the pair that exists")
                        continue
                    }
                }
                #expect(try await broker.openOrders().count == 2)
            }
        }
    }
}
