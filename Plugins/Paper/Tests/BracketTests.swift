import BrokerContract
import Foundation
import Paper
import Testing
import TradingModel

@Suite(.timeLimit(.minutes(1))) struct BracketTests {
    private static func bracket(_ id: ClientOrderID, limit: Price? = nil, stop: Price? = 58000, target: Price? = 65000) throws -> NewOrder {
        try NewOrder(
            clientOrderID: id, symbol: "BTCUSDT", side: .buy, type: limit == nil ? .market : .limit, quantity: try Quantity("0.01"), limitPrice: limit,
            timeInForce: .gtc, bracket: Bracket(stopLoss: stop, takeProfit: target))
    }

    private func status(_ id: ClientOrderID, _ broker: PaperBroker) async -> VenueOrderStatus? {
        if case .found(let report) = await broker.lookup(PaperTests.reference(id)) { report.status } else { nil }
    }

    @Test func `a start with another price lets the leg trade that it reaches, and the bracket survives the end of the process`() async throws {
        try await PaperTests.withFolder { folder in
            try await PaperTests.withBroker(in: folder) { broker async throws in
                guard case .accepted(let report, let fills, _) = await broker.place(try Self.bracket("e"), within: PaperTests.open) else {
                    Issue.record("not accepted")
                    return
                }
                #expect(report.clientOrderID == "e" && report.status == .filled && fills.map(\.clientOrderID) == ["e"])
            }
            try await PaperTests.withBroker(in: folder) { broker async throws in
                #expect(await status("e-sl", broker) == .accepted)
                #expect(await status("e-tp", broker) == .accepted)
            }
            try await PaperTests.withBroker(in: folder, PaperConfiguration(prices: ["BTCUSDT": 66000])) { broker async throws in
                #expect(await status("e-tp", broker) == .filled)
                #expect(await status("e-sl", broker) == .cancelled)
                #expect(try await broker.fills(of: PaperTests.reference("e-tp")).map(\.price) == [65000])
                #expect(try await broker.openOrders().isEmpty)
                // The fee was taken out of what the entry bought, so all of that is gone.
                #expect(try await broker.balances().map(\.asset) == ["USDT"])
            }
        }
    }

    @Test func `the same bracket again is the one that exists, another one under the id contradicts`() async throws {
        try await PaperTests.withFolder { folder in
            try await PaperTests.withBroker(in: folder) { broker async throws in
                for _ in 0..<2 {
                    guard case .accepted(let report, _, _) = await broker.place(try Self.bracket("e"), within: PaperTests.open) else {
                        Issue.record("not accepted")
                        return
                    }
                    #expect(report.venueOrderID == "1")
                }
                for other in [try Self.bracket("e", stop: 57000), try Self.bracket("e", target: nil), try PaperTests.order("e")] {
                    guard case .unknown(.contradiction, _) = await broker.place(other, within: PaperTests.open) else {
                        Issue.record("\(other) was taken for the order that exists")
                        continue
                    }
                }
                #expect(try await broker.orderHistory("BTCUSDT", since: Timestamp(milliseconds: 0)).count == 3)
            }
        }
    }

    @Test func `a bracket off the tick, without a leg, or with ids too long leaves nothing`() async throws {
        try await PaperTests.withFolder { folder in
            try await PaperTests.withBroker(in: folder) { broker async throws in
                guard case .refused(.invalidPrice, _) = await broker.place(try Self.bracket("1", stop: try Price("58000.001")), within: PaperTests.open) else {
                    Issue.record("off the tick was taken")
                    return
                }
                guard case .notSent(.invalid, _) = await broker.place(try Self.bracket("2", stop: nil, target: nil), within: PaperTests.open) else {
                    Issue.record("no leg was taken")
                    return
                }
                let long = ClientOrderID(String(repeating: "x", count: 62))
                guard case .notSent(.invalid, _) = await broker.place(try Self.bracket(long), within: PaperTests.open) else {
                    Issue.record("a leg's id beyond the limit was taken")
                    return
                }
                #expect(try await broker.everyOrder().isEmpty)
            }
        }
    }
}
