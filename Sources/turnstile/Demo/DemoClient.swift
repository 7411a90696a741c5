import AsyncHTTPClient
import Foundation
import NIOCore

/// The demo's hands: real HTTP to the gateway, as a sender and as a reader, and to the venue's oracle.
struct DemoClient: Sendable {
    struct Answer: Sendable {
        let status: Int
        let body: String
        let isReplay: Bool
        let elapsed: Duration

        var verdict: DemoVerdict { status == 202 ? (isReplay ? .duplicate : .accepted) : .refused }
        /// `accepted`, `duplicate`, or `refused: bad_json`.
        var words: String {
            guard verdict == .refused, let code = fields.code else { return verdict.rawValue }
            return "refused: \(code)"
        }
        var signalID: String? { fields.signalID }

        private var fields: Fields {
            (try? JSONDecoder().decode(Fields.self, from: Data(body.utf8))) ?? Fields(code: nil, signalID: nil)
        }
        private struct Fields: Decodable {
            let code: String?
            let signalID: String?
            enum CodingKeys: String, CodingKey {
                case code
                case signalID = "signal_id"
            }
        }
    }

    struct Order: Decodable, Sendable {
        let signalID: String
        let clientOrderID: String
        let status: String
        let terminal: Bool
        let reason: String?
        enum CodingKeys: String, CodingKey {
            case signalID = "signal_id"
            case clientOrderID = "client_order_id"
            case status, terminal, reason
        }
    }

    let gateway: String
    let venue: String
    let secrets: DemoSecrets

    func send(_ body: String, secretIsRight: Bool) async throws -> Answer {
        var request = HTTPClientRequest(url: "\(gateway)/hooks/tv/\(secretIsRight ? secrets.hook : "not-the-secret")")
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(string: body))
        let start = ContinuousClock.now
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
        return Answer(
            status: Int(response.status.code), body: text, isReplay: response.headers.first(name: "idempotency-replayed") == "true",
            elapsed: ContinuousClock.now - start)
    }

    /// The first 1000 of the gateway's orders; the demo makes far fewer.
    func orders() async throws -> [Order] {
        struct Page: Decodable { let data: [Order] }
        return try await read("\(gateway)/api/v1/orders?limit=1000", as: Page.self).data
    }

    /// The client order id of every order that the venue ever accepted, repeats included.
    func venueOrders() async throws -> [String] {
        struct Row: Decodable {
            let client_order_id: String
        }
        return try await read("\(venue)/_sim/orders", as: [Row].self).map(\.client_order_id)
    }

    /// Whether the gateway says that everything works.
    func isReady() async throws -> Bool {
        struct Health: Decodable { let status: String }
        return try await read("\(gateway)/readyz", as: Health.self).status == "pass"
    }

    func plan(faults: String) async throws {
        var request = HTTPClientRequest(url: "\(venue)/_sim/faults")
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(string: faults))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        guard response.status == .ok else { throw StartError("the simulated venue refused the fault: \(response.status)") }
    }

    /// How many planned faults have not happened yet.
    func pendingFaults() async throws -> Int {
        struct Row: Decodable {}
        return try await read("\(venue)/_sim/faults", as: [Row].self).count
    }

    private func read<T: Decodable>(_ url: String, as type: T.Type) async throws -> T {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "authorization", value: "Bearer \(secrets.reader)")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let body = try await response.body.collect(upTo: 16 << 20)
        do {
            return try JSONDecoder().decode(type, from: body)
        } catch {
            throw StartError("\(url) answered \(response.status.code): \(String(buffer: body).prefix(200))")
        }
    }
}
