import AdapterKit
import Foundation
import GatewayAPI
import NIOHTTP1
import StoreContract
import TestSupport
import Testing
import TradingModel

/// The journal as messages of a WebSocket.
@Suite(.timeLimit(.minutes(5))) struct APIStreamTests {
    private func connect(_ api: APIFixture, _ query: String = "") async throws -> WebSocketConnection {
        let url = try #require(URL(string: "ws://127.0.0.1:\(api.port)/api/v1/stream\(query)"))
        return try await WebSocketClient(options: WebSocketOptions(silenceLimit: .seconds(60))).connect(to: url)
    }

    private func append(_ range: ClosedRange<Int>, to store: APIStubStore) async throws {
        for number in range {
            try await store.append(
                [JournalDraft(type: number.isMultiple(of: 2) ? "order.filled" : "alert.raised", orderID: "O1", data: #"{"n":"\#(number)"}"#)],
                at: APIRecords.time)
        }
    }

    private func sequences(_ count: Int, _ connection: WebSocketConnection) async throws -> [Int] {
        var messages = connection.messages.makeAsyncIterator()
        var found: [Int] = []
        while found.count < count, let message = try await messages.next() {
            let line = try #require(JSONSerialization.jsonObject(with: Data(message.utf8)) as? [String: Any])
            found.append(try #require(line["sequence"] as? Int))
        }
        return found
    }

    /// How the server ends the connection.
    private func end(_ connection: WebSocketConnection) async -> WebSocketEnd? {
        do {
            for try await _ in connection.messages {}
            return nil
        } catch { return error as? WebSocketEnd }
    }

    @Test func `every line comes once and in order, from the place that is asked for on, also those that come later`() async throws {
        let store = APIStubStore()
        try await append(1...300, to: store)
        try await APIFixture.serving(store) { (api) async throws in
            let connection = try await connect(api, "?since=10")
            try await connection.send(#"{"token":"\#(APIFixture.token)"}"#)
            async let found = sequences(310, connection)
            try await append(301...320, to: store)
            #expect(try await found == Array(11...320))
            await connection.close()
        }
    }

    @Test func `types are chosen as on the event stream`() async throws {
        let store = APIStubStore()
        try await append(1...10, to: store)
        try await APIFixture.serving(store) { (api) async throws in
            let connection = try await connect(api, "?since=0&types=order.*")
            try await connection.send(#"{"token":"\#(APIFixture.token)"}"#)
            #expect(try await sequences(5, connection) == [2, 4, 6, 8, 10])
            await connection.close()
        }
    }

    @Test(arguments: [(#"{"token":"wrong"}"#, ""), ("hello", ""), (#"{"token":"TOKEN"}"#, "?since=99"), (#"{"token":"TOKEN"}"#, "?since=-1"), (#"{"token":"TOKEN"}"#, "?x=1")])
    func `without a good token and query the connection ends and tells nothing`(_ first: String, _ query: String) async throws {
        let store = APIStubStore()
        try await append(1...3, to: store)
        try await APIFixture.serving(store) { (api) async throws in
            let connection = try await connect(api, query)
            try? await connection.send(first.replacingOccurrences(of: "TOKEN", with: APIFixture.token))
            guard case .closedByPeer(let code)? = await end(connection) else { return #expect(Bool(false)) }
            #expect(code == 1008)
        }
    }

    @Test func `streams of both kinds share one limit`() async throws {
        let store = APIStubStore()
        try await append(1...2, to: store)
        try await APIFixture.serving(store, change: { $0.maximumEventStreams = 1 }) { (api) async throws in
            let first = try await connect(api, "?since=0")
            try await first.send(#"{"token":"\#(APIFixture.token)"}"#)
            #expect(try await sequences(2, first) == [1, 2])
            #expect(try await api.send(.GET, "/api/v1/events").code == "too_many_streams")
            let second = try await connect(api)
            try await second.send(#"{"token":"\#(APIFixture.token)"}"#)
            guard case .closedByPeer(let code)? = await end(second) else { return #expect(Bool(false)) }
            #expect(code == 1013)
            await first.close()
            // The place is free again once the server has seen the end.
            try await waitUntil("the place is free", within: .seconds(60)) {
                let third = try await connect(api, "?since=0")
                try await third.send(#"{"token":"\#(APIFixture.token)"}"#)
                let found = (try? await sequences(2, third)) ?? []
                await third.close()
                return found == [1, 2]
            }
        }
    }

    @Test func `a plain request is told that the path speaks WebSocket`() async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            let reply = try await api.send(.GET, "/api/v1/stream")
            #expect(reply.status == 426 && reply.code == "websocket_only")
        }
    }
}
