import BrokerContract
import ExchangeContract
import Foundation
import Logging
import Paper
import PluginSettings
import Testing
import TestSupport
import TradingModel

@Suite(.timeLimit(.minutes(1))) struct PaperTests {
    /// Runs a paper account in a folder while `body` uses it.
    static func withBroker<T: Sendable>(
        in folder: String, _ configuration: PaperConfiguration = PaperConfiguration(),
        _ body: @escaping @Sendable (PaperBroker) async throws -> T
    ) async throws -> T {
        let context = BrokerContext(
            account: "paper1", mode: .paper, clock: SystemClock(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), stateDirectory: folder)
        let broker = try #require(try PaperPlugin.makeBroker(configuration, context: context) as? PaperBroker)
        return try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask {
                try await broker.run()
                return nil
            }
            group.addTask {
                for await event in broker.events where event == .connected { return try await body(broker) }
                return nil
            }
            // A run that fails throws here and ends the wait for the connection.
            while let result = try await group.next() {
                guard let result else { continue }
                group.cancelAll()
                while try await group.next() != nil {}
                return result
            }
            throw CancellationError()
        }
    }

    static func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "paper-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.path())
    }

    static func order(_ id: ClientOrderID, _ quantity: String = "0.01", limit: Price? = nil, symbol: Symbol = "BTCUSDT") throws -> NewOrder {
        try NewOrder(
            clientOrderID: id, symbol: symbol, side: .buy, type: limit == nil ? .market : .limit, quantity: try Quantity(quantity),
            limitPrice: limit, timeInForce: .gtc)
    }

    static var open: SendWindow { SendWindow(notAfter: SystemClock().monotonic + .seconds(60)) }
    static func reference(_ id: ClientOrderID) -> OrderReference { OrderReference(symbol: "BTCUSDT", clientOrderID: id, venueOrderID: nil) }

    @Test func `orders, fills and balances survive the end of the process`() async throws {
        try await Self.withFolder { folder in
            let before = try await Self.withBroker(in: folder) { broker async throws -> [Balance] in
                guard case .accepted(let report, let fills, _) = await broker.place(try Self.order("m1"), within: Self.open) else {
                    Issue.record("not accepted")
                    return [Balance]()
                }
                #expect(report.status == .filled && fills.count == 1)
                _ = await broker.place(try Self.order("l1", limit: 50000), within: Self.open)
                return try await broker.balances()
            }
            try await Self.withBroker(in: folder) { broker async throws in
                #expect(try await broker.balances() == before)
                #expect(try await broker.openOrders().map(\.clientOrderID) == ["l1"])
                #expect(try await broker.orderHistory("BTCUSDT", since: Timestamp(milliseconds: 0)).count == 2)
                #expect(try await broker.fills(of: Self.reference("m1")).map(\.executionID) == ["BTCUSDT-1"])
                guard case .found(let found) = await broker.lookup(Self.reference("m1")) else { Issue.record("not found"); return }
                #expect(found.status == .filled)
            }
        }
    }

    @Test func `the same order again is the order that exists, also after a restart`() async throws {
        try await Self.withFolder { folder in
            for _ in 0..<2 {
                try await Self.withBroker(in: folder) { broker async throws in
                    for _ in 0..<3 {
                        guard case .accepted(let report, let fills, _) = await broker.place(try Self.order("m1"), within: Self.open) else {
                            Issue.record("not accepted")
                            return
                        }
                        #expect(report.venueOrderID == "1" && fills.count == 1)
                    }
                    #expect(try await broker.fills("BTCUSDT", since: Timestamp(milliseconds: 0)).count == 1)
                    guard case .unknown(.contradiction, _) = await broker.place(try Self.order("m1", "0.02"), within: Self.open) else {
                        Issue.record("another order under the same id was not a contradiction")
                        return
                    }
                }
            }
        }
    }

    @Test func `a line that a crash cut off is dropped, the ones before stay`() async throws {
        try await Self.withFolder { folder in
            try await Self.withBroker(in: folder) { broker async throws in _ = await broker.place(try Self.order("m1"), within: Self.open) }
            let file = folder + "/paper.jsonl"
            let whole = try Data(contentsOf: URL(filePath: file))
            try (whole + Data(#"{"events":[{"at""#.utf8)).write(to: URL(filePath: file))
            try await Self.withBroker(in: folder) { broker async throws in
                #expect(try await broker.orderHistory("BTCUSDT", since: Timestamp(milliseconds: 0)).count == 1)
                _ = await broker.place(try Self.order("m2"), within: Self.open)
            }
            try await Self.withBroker(in: folder) { broker async throws in
                #expect(try await broker.orderHistory("BTCUSDT", since: Timestamp(milliseconds: 0)).count == 2)
            }
        }
    }

    @Test func `a damaged journal stops the start and names the line`() async throws {
        try await Self.withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data("{\"v\":1,\"events\":[]}\nnonsense\n".utf8).write(to: URL(filePath: folder + "/paper.jsonl"))
            let error = await #expect(throws: BrokerError.self) { try await Self.withBroker(in: folder) { _ async throws -> Void in } }
            #expect(error?.message.contains("paper.jsonl:2") == true)
        }
    }

    @Test func `a second process cannot use the same journal`() async throws {
        try await Self.withFolder { folder in
            try await Self.withBroker(in: folder) { _ async throws -> Void in
                let second = await #expect(throws: BrokerError.self) { try await Self.withBroker(in: folder) { _ async throws -> Void in } }
                #expect(second?.message.contains("another process") == true)
            }
        }
    }

    @Test func `what breaks a rule is refused with its reason and leaves no order`() async throws {
        try await Self.withFolder { folder in
            try await Self.withBroker(in: folder) { broker async throws in
                let cases: [(NewOrder, RejectReason)] = [
                    (try Self.order("1", "0.000001"), .invalidQuantity), (try Self.order("2", limit: try Price("50000.001")), .invalidPrice),
                    (try Self.order("3", "0.00001", limit: 1000), .belowMinimum), (try Self.order("4", "10"), .insufficientFunds),
                    (try Self.order("5", symbol: "NOPEUSDT"), .invalidSymbol),
                ]
                for (order, reason) in cases {
                    guard case .refused(let actual, _) = await broker.place(order, within: Self.open) else {
                        Issue.record("order \(order.clientOrderID) was not refused")
                        continue
                    }
                    #expect(actual == reason)
                }
                #expect(try await broker.openOrders().isEmpty)
                guard case .notFound(complete: true, _) = await broker.lookup(Self.reference("4")) else { Issue.record("found"); return }
            }
        }
    }

    @Test func `a closed window and an account that does not run send nothing`() async throws {
        try await Self.withFolder { folder in
            let idle = try await Self.withBroker(in: folder) { broker async throws -> PaperBroker in
                let closed = SendWindow(notAfter: SystemClock().monotonic)
                guard case .notSent(.windowClosed, _) = await broker.place(try Self.order("1"), within: closed) else {
                    Issue.record("placed in a closed window")
                    return broker
                }
                return broker
            }
            guard case .notSent(.notConnected, _) = await idle.place(try Self.order("1"), within: Self.open) else {
                Issue.record("placed while not running")
                return
            }
            guard case .indeterminate = await idle.lookup(Self.reference("1")) else { Issue.record("looked up while not running"); return }
        }
    }

    @Test func `a resting order fills when the price comes, a cancelled one does not`() async throws {
        try await Self.withFolder { folder in
            try await Self.withBroker(in: folder) { broker async throws in
                for id: ClientOrderID in ["1", "2"] { _ = await broker.place(try Self.order(id, limit: 50000), within: Self.open) }
                guard case .cancelled(let report?, _) = await broker.cancel(Self.reference("2"), within: Self.open) else {
                    Issue.record("not cancelled")
                    return
                }
                #expect(report.status == .cancelled)
                try await broker.setPrice(50000, of: "BTCUSDT")
                #expect(try await broker.fills("BTCUSDT", since: Timestamp(milliseconds: 0)).map(\.clientOrderID) == ["1"])
                guard case .notOpen = await broker.cancel(Self.reference("1"), within: Self.open) else { Issue.record("was open"); return }
            }
        }
    }

    @Test func `the configuration says every problem and derives rules from names`() throws {
        let node = { (text: String) in SettingsNode(.scalar(text, quoted: true), at: SourcePosition(line: 1, column: 1)) }
        let block = { (entries: [(String, SettingsNode)]) in
            SettingsNode(
                .block(entries.map { (key: $0.0, position: SourcePosition(line: 1, column: 1), value: $0.1) }),
                at: SourcePosition(line: 1, column: 1))
        }
        let read = { (node: SettingsNode) -> (PaperConfiguration, [String]) in
            let problems = SettingsProblems()
            let reader = SettingsReader(
                node, path: "accounts.p", problems: problems, secrets: SecretResolver(environment: [:]) { _ in "" })
            let configuration = PaperConfiguration(reading: reader)
            reader.finish()
            return (configuration, problems.all.map(\.message))
        }
        let (good, none) = read(block([("prices", block([("SOL-USD", node("150"))])), ("fee", node("0"))]))
        #expect(none.isEmpty && good.instruments.first?.base == "SOL" && good.instruments.first?.quote == "USD")
        let (_, bad) = read(
            block([("balances", block([("USDT", node("-1"))])), ("prices", block([("MYTHING", node("1"))])), ("fees", node("1"))]))
        #expect(bad.count == 3, "\(bad)")
    }
}
