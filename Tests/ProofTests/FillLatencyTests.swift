import AsyncHTTPClient
import Foundation
import NIOCore
import Synchronization
import TestSupport
import Testing

/// How soon a fill at the venue is in the store and at a subscriber.
@Suite(.serialized) struct FillLatencyTests {
    @Test func `a fill reaches the store and a subscriber at once while the stream is up`() async throws {
        let lags = try await measure(count: Trials.pick(50, long: 500), isCut: false)
        tell("with the stream", lags)
        if Trials.isLong { #expect((percentile(99, of: lags.map(\.subscriber)) ?? 9) < 1) }
    }

    @Test func `a fill reaches the store and a subscriber also while the stream is cut`() async throws {
        let lags = try await measure(count: Trials.pick(10, long: 100), isCut: true)
        tell("with the stream cut", lags)
        if Trials.isLong { #expect((percentile(99, of: lags.map(\.subscriber)) ?? 9) < 2) }
    }

    /// Seconds from the execution, by the venue's clock, to the commit and to the subscriber's last byte; one machine, so one clock.
    private struct Lag: Sendable {
        let store: Double
        let subscriber: Double
    }

    private func measure(count: Int, isCut: Bool) async throws -> [Lag] {
        let subscriber = FillSubscriber()
        var executed: [String: Double] = [:]
        try await ProofScene.with(.binance, multiply: 1) { scene in
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                let url = scene.gateway.url
                group.addTask { try await subscriber.listen(url + "/api/v1/events?types=order.fill&since=0") }
                for batch in stride(from: 0, to: count, by: 10) {
                    var resting: [String] = []
                    for number in batch..<min(batch + 10, count) {
                        let id = try await scene.post(id: "fill-\(number)", extra: #","type":"limit","limit_price":"59000.00""#)
                        resting.append(try #require(try await scene.reach(["accepted"], id)["client_order_id"] as? String))
                    }
                    // Every connection of the stream ends with the next event that it would carry.
                    if isCut { try await scene.venue.faults(#"[{"on":"stream","action":"close","times":100000}]"#) }
                    for id in resting { try await scene.fill(id, "0.01") }
                    try await waitUntil("\(batch): the subscriber has the fills", within: .seconds(120)) {
                        Set(resting).isSubset(of: subscriber.seen.keys)
                    }
                }
                for fill in try await TestHTTP.get(scene.venue.url + "/_sim/fills").list {
                    guard let id = fill["client_order_id"] as? String, let at = fill["at_microseconds"] as? Int else { continue }
                    executed[id] = Double(at) / 1e6
                }
            }
        }
        let lags = subscriber.seen.compactMap { id, told in executed[id].map { Lag(store: told.committed - $0, subscriber: told.received - $0) } }
        #expect(lags.count == count)
        return lags
    }

    private func tell(_ what: String, _ lags: [Lag]) {
        func figures(_ values: [Double]) -> String {
            [50.0, 99, 100].map { String(format: "%.0f", (percentile($0, of: values) ?? -1) * 1000) }.joined(separator: " / ")
        }
        Trials.tell(
            "fill latency, \(what), \(lags.count) fills, p50 / p99 / most in ms: in the store \(figures(lags.map(\.store))), at a subscriber \(figures(lags.map(\.subscriber)))")
    }
}

/// Reads the gateway's events as any client would, and notes when each fill was told first.
private final class FillSubscriber: Sendable {
    struct Told: Sendable {
        /// Seconds since 1970: the journal's own time, and when the line was read here.
        let committed: Double
        let received: Double
    }

    private let state = Mutex<[String: Told]>([:])
    var seen: [String: Told] { state.withLock { $0 } }

    func listen(_ url: String) async throws {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "Authorization", value: "Bearer \(GatewayUnderTest.token)")
        let response = try await HTTPClient.shared.execute(request, deadline: .distantFuture)
        var rest = ""
        for try await bytes in response.body {
            rest += String(buffer: bytes)
            let now = Date().timeIntervalSince1970
            while let end = rest.range(of: "\n") {
                let line = String(rest[..<end.lowerBound])
                rest.removeSubrange(..<end.upperBound)
                if line.hasPrefix("data: ") { note(line.dropFirst(6), at: now) }
            }
        }
    }

    private func note(_ json: Substring, at now: Double) {
        guard let line = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any], let data = line["data"] as? [String: Any],
            let id = data["client_order_id"] as? String, let at = line["at"] as? String, let committed = Self.time(at)
        else { return }
        state.withLock { if $0[id] == nil { $0[id] = Told(committed: committed, received: now) } }
    }

    /// RFC 3339 with any number of digits behind the seconds.
    private static func time(_ text: String) -> Double? {
        let parts = text.dropLast().split(separator: ".")
        guard let whole = parts.first, let date = ISO8601DateFormatter().date(from: whole + "Z") else { return nil }
        return date.timeIntervalSince1970 + (parts.count > 1 ? Double("0." + parts[1]) ?? 0 : 0)
    }
}
