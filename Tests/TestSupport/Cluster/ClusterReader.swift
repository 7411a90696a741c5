import AsyncHTTPClient
import Foundation
import NIOCore

/// Reads what the store holds through one gateway's API, and what the venue has.
public struct ClusterReader: Sendable {
    private let gateway: GatewayUnderTest
    private let venue: VenueUnderTest

    public init(_ gateway: GatewayUnderTest, _ venue: VenueUnderTest) {
        self.gateway = gateway
        self.venue = venue
    }

    /// All of them, newest first.
    public func orders(_ filter: String = "") async throws -> [ClusterOrder] {
        var orders: [ClusterOrder] = []
        var next: String?
        repeat {
            let cursor = next.map { "&cursor=\($0)" } ?? ""
            let page = try await decode(ClusterPage<ClusterOrder>.self, gateway.get("/api/v1/orders?limit=1000\(filter)\(cursor)"))
            orders += page.data
            next = page.next
        } while next != nil
        return orders
    }

    public func openOrders() async throws -> [ClusterOrder] {
        try await orders("&status=queued,permitted,unknown,resolving,absent,accepted,partially_filled,cancel_pending,replace_pending")
    }

    public func venueOrders() async throws -> [ClusterVenueOrder] {
        try await decode([ClusterVenueOrder].self, TestHTTP.get(venue.url + "/_sim/orders"))
    }

    /// Requests that asked the venue to make an order of this id, whatever became of them.
    public func placements(of clientOrderID: String) async throws -> Int {
        let log = try await TestHTTP.get(venue.url + "/_sim/requests").json["data"] as? [[String: Any]] ?? []
        return log.count { ($0["params"] as? [String: Any])?["newClientOrderId"] as? String == clientOrderID }
    }

    /// Waits until no order is open but those that a person must look at.
    public func settle(within limit: Duration) async throws {
        var open: [ClusterOrder] = []
        do {
            try await waitUntil("all orders have come to an end", within: limit) {
                // An overloaded gateway may not answer in time; the next look will.
                guard let read = try? await openOrders() else { return false }
                open = read
                // Not so often that the looking slows down what it looks at.
                if !open.isEmpty { try await Task.sleep(for: .milliseconds(300 + 3 * open.count)) }
                return open.isEmpty
            }
        } catch {
            let shown = open.prefix(5).map { "\($0.account) \($0.id) \($0.status) \($0.reason ?? "") after \($0.attempt_count) attempts" }
            throw TimedOut(description: "\(error): \(open.count) are open, such as \(shown)")
        }
    }

    /// The whole journal as it is now. Its numbers have no holes.
    public func journal() async throws -> [ClusterLine] {
        // A stream from beyond the end is refused, and the refusal tells where the end is.
        let refusal = try await gateway.get("/api/v1/events?since=\(Int64.max)")
        guard let end = refusal.body.firstMatch(of: #/journal ends at (\d+)/#).flatMap({ Int($0.1) }) else {
            throw TimedOut(description: "the journal does not tell its end: \(refusal.body)")
        }
        guard end > 0 else { return [] }
        var request = HTTPClientRequest(url: gateway.url + "/api/v1/events?since=0")
        request.headers.add(name: "Authorization", value: "Bearer \(GatewayUnderTest.token)")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
        var lines: [ClusterLine] = []
        var rest: [UInt8] = []
        let decoder = JSONDecoder()
        for try await buffer in response.body {
            rest += buffer.readableBytesView
            guard let newline = rest.lastIndex(of: UInt8(ascii: "\n")) else { continue }
            for line in rest[..<newline].split(separator: UInt8(ascii: "\n")) where line.starts(with: "data: ".utf8) {
                lines.append(try decoder.decode(ClusterLine.self, from: Data(line.dropFirst(6))))
            }
            rest.removeSubrange(...newline)
            if let last = lines.last, last.sequence >= end { return lines }
        }
        throw TimedOut(description: "the journal ended at \(lines.last?.sequence ?? 0) instead of \(end)")
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ reply: TestHTTP.Reply) throws -> Value {
        guard reply.status == 200 else { throw TimedOut(description: "answered \(reply.status): \(reply.body.prefix(500))") }
        return try JSONDecoder().decode(type, from: Data(reply.body.utf8))
    }
}
