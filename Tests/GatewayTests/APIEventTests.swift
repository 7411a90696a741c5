import AsyncHTTPClient
import Foundation
import GatewayAPI
import NIOCore
import NIOHTTP1
import StoreContract
import TestSupport
import Testing
import TradingModel

@Suite struct APIEventTests {
    private struct Event: Equatable {
        var id: Int64 = 0
        var type = ""
        var data = ""
    }

    /// Reads events until `count` have come; comments are skipped.
    private func read(
        _ count: Int, from api: APIFixture, _ query: String = "", lastEventID: Int64? = nil, whenOpen: () async throws -> Void = {}
    ) async throws -> [Event] {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(api.port)/api/v1/events\(query)")
        request.headers = ["Authorization": "Bearer \(APIFixture.token)"]
        if let lastEventID { request.headers.add(name: "Last-Event-ID", value: "\(lastEventID)") }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        #expect(response.headers["content-type"] == ["text/event-stream"])
        try await whenOpen()
        var events: [Event] = []
        var current = Event()
        var rest = ""
        for try await buffer in response.body {
            rest += String(buffer: buffer)
            while let end = rest.firstIndex(of: "\n") {
                let line = String(rest[..<end])
                rest.removeSubrange(...end)
                if line.hasPrefix("id: ") { current.id = Int64(line.dropFirst(4)) ?? -1 }
                if line.hasPrefix("event: ") { current.type = String(line.dropFirst(7)) }
                if line.hasPrefix("data: ") { current.data = String(line.dropFirst(6)) }
                if line.isEmpty, current.id > 0 {
                    events.append(current)
                    current = Event()
                }
                if events.count == count { return events }
            }
        }
        return events
    }

    private func append(_ range: ClosedRange<Int>, to store: APIStubStore) async throws {
        for number in range {
            try await store.append(
                [JournalDraft(type: number.isMultiple(of: 2) ? "order.filled" : "alert.raised", orderID: "O1", data: "{\n\"n\":\"\(number)\"}")],
                at: APIRecords.time)
        }
    }

    @Test func `an event carries its sequence, type and data on one line`() async throws {
        let store = APIStubStore()
        try await append(1...2, to: store)
        try await APIFixture.serving(store) { (api) async throws in
            let event = try #require(try await read(2, from: api, "?since=0").last)
            #expect(event.id == 2)
            #expect(event.type == "order.filled")
            #expect(
                event.data
                    == #"{"sequence":2,"at":"2025-11-21T05:06:07.008Z","type":"order.filled","signal_id":null,"order_id":"O1","account":null,"data":{ "n":"2"}}"#)
        }
    }

    @Test func `a reader that reconnects with its last id loses nothing and gets nothing twice`() async throws {
        let store = APIStubStore()
        store.change { $0.journalBatch = 7 }
        try await append(1...20, to: store)
        try await APIFixture.serving(store) { (api) async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await append(21...400, to: store) }
                var ids: [Int64] = []
                while ids.count < 400 {
                    // Each connection is dropped after a few events, in the middle of the writing.
                    let events = try await read(min(37, 400 - ids.count), from: api, ids.isEmpty ? "?since=0" : "", lastEventID: ids.last)
                    try #require(!events.isEmpty)
                    ids += events.map(\.id)
                }
                #expect(ids == Array(1...400))
                try await group.waitForAll()
            }
        }
    }

    @Test func `without a starting point only what is new comes`() async throws {
        let store = APIStubStore()
        try await append(1...5, to: store)
        try await APIFixture.serving(store) { (api) async throws in
            let events = try await read(2, from: api) { try await append(6...7, to: store) }
            #expect(events.map(\.id) == [6, 7])
        }
    }

    @Test func `types are chosen by name and by prefix`() async throws {
        let store = APIStubStore()
        try await append(1...6, to: store)
        try await APIFixture.serving(store) { (api) async throws in
            #expect(try await read(3, from: api, "?since=0&types=order.*").map(\.id) == [2, 4, 6])
            #expect(try await read(3, from: api, "?since=0&types=alert.raised,nothing.*").map(\.id) == [1, 3, 5])
            #expect(try await read(6, from: api, "?since=0&types=*").count == 6)
        }
    }

    @Test func `an id beyond the journal's end is refused`() async throws {
        let store = APIStubStore()
        try await append(1...5, to: store)
        try await APIFixture.serving(store) { (api) async throws in
            for headers: HTTPHeaders in [["Last-Event-ID": "6"], ["Last-Event-ID": "x"], ["Last-Event-ID": "-1"]] {
                #expect(try await api.send(.GET, "/api/v1/events", headers: headers).code == "invalid_parameter")
            }
            #expect(try await api.send(.GET, "/api/v1/events?since=6").code == "invalid_parameter")
        }
    }

    @Test func `a quiet stream is kept alive by comments`() async throws {
        try await APIFixture.serving(APIStubStore()) {
            $0.pingInterval = .milliseconds(50)
        } body: { (api) async throws in
            let get = "GET /api/v1/events HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(APIFixture.token)\r\n\r\n"
            let text = try await api.raw([get]) { $0.components(separatedBy: ": ping\n\n").count > 3 }
            #expect(text.contains("retry: 2000"))
        }
    }

    @Test func `a stream ends when its reader goes away, and its place is free again`() async throws {
        let store = APIStubStore()
        try await APIFixture.serving(store) {
            $0.maximumEventStreams = 1
        } body: { (api) async throws in
            let get = "GET /api/v1/events HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(APIFixture.token)\r\n\r\n"
            for _ in 1...3 {
                _ = try await api.raw([get]) { text in text.contains("retry") }
                for _ in 1...100 where store.watcherCount > 0 { try await Task.sleep(for: .milliseconds(20)) }
                #expect(store.watcherCount == 0)
            }
            let text = try await api.raw([get, ""]) { text in text.contains("retry") || text.contains("too_many") }
            #expect(text.contains("retry"))
        }
    }

    @Test func `more streams than allowed are 503`() async throws {
        let store = APIStubStore()
        try await APIFixture.serving(store) {
            $0.maximumEventStreams = 1
        } body: { (api) async throws in
            let events = try await read(1, from: api) {
                let second = try await api.send(.GET, "/api/v1/events")
                #expect(second.status == 503)
                #expect(second.code == "too_many_streams")
                try await append(1...1, to: store)
            }
            #expect(events.count == 1)
        }
    }

    @Test func `a graceful shutdown ends streams at once`() async throws {
        let store = APIStubStore()
        try await APIFixture.serving(store) { (api) async throws in
            let begun = ContinuousClock.now
            let events = try await read(99, from: api) {
                try await append(1...3, to: store)
                await api.beginShutdown()
            }
            #expect(events.count <= 3)
            #expect(begun.duration(to: .now) < .seconds(60))
            // A connection may still be taken from the backlog, and is then closed without an answer.
            try await waitUntil("nobody answers any more") {
                let answer = try? await api.raw(["GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"])
                return answer?.isEmpty ?? true
            }
        }
    }
}
