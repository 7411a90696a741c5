import ConformanceKit
import Foundation
import TestSupport
import Testing

/// The same cuts under the whole gateway, which waits out its quarantine in real time.
@Suite(.serialized) struct GatewayCutTests {
    private struct Place: Sendable {
        let venue: VenueCase
        let multiply: Int
        let placements: [RequestPattern]
        /// Whether the venue can prove that an order does not exist and tells a resend from a new order.
        let mayResend: Bool
    }

    private static let places = [
        Place(venue: .tradovate, multiply: 100, placements: [.init("POST", "/v1/order/placeorder")], mayResend: false),
        Place(venue: .coinbase, multiply: 1, placements: [.init("POST", "/api/v3/brokerage/orders")], mayResend: true),
        Place(venue: .binance, multiply: 1, placements: [.init("POST", "/api/v3/order")], mayResend: true),
    ]

    @Test("a gateway whose placement is cut ends with one order, found or sent again, or leaves it to a person", arguments: [0, 1, 2])
    func cut(_ index: Int) async throws {
        let place = Self.places[index]
        try await withProxy { proxy in
            try await ProofScene.with(place.venue, multiply: place.multiply) { venue in
                try await proxy.start(before: venue.port)
            } _: { scene in
                let fault = try await proxy.running()
                var counts: [String: Int] = [:]
                let cuts = Self.cuts
                for (number, cut) in cuts.enumerated() {
                    fault.plan(cut, on: place.placements)
                    let id = try await scene.post(id: "cut-\(number)")
                    let order = try await scene.reach(["filled", "parked", "abandoned"], id, within: .seconds(180))
                    let status = order["status"] as? String ?? "?"
                    let clientOrderID = try #require(order["client_order_id"] as? String)
                    let taken = try await scene.venue.orders().count { $0["client_order_id"] as? String == clientOrderID }
                    #expect(taken == (status == "filled" ? 1 : 0), "\(cut): \(status), \(taken) at the venue")
                    #expect(status == "filled" || !place.mayResend, "\(cut): \(order)")
                    counts["\(status) after \(order["attempt_count"] ?? "?")", default: 0] += 1
                    if status == "parked" {
                        let reply = try await scene.gateway.decideParked(id, "abandon", because: "the venue does not have it")
                        #expect(reply.status == 200, "\(reply.body)")
                        try await scene.reach(["abandoned"], id)
                    }
                    fault.clearFaults()
                }
                let found = try await scene.differences()
                #expect(found == [])
                Trials.tell("fault sweep through the gateway, \(place.venue): \(cuts.count) cuts, \(counts.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }.joined(separator: ", "))")
            }
        }
    }

    private static var cuts: [WireFault] {
        guard Trials.isLong else { return [.cutRequest(.percent(60)), .cutAfterRequest(withReset: true), .cutReply(.percent(50))] }
        let requests = (0..<20).map { WireFault.cutRequest(.percent(5 * $0)) }
        let replies = (0..<20).map { WireFault.cutReply(.percent(5 * $0)) }
        return requests + [.cutRequest(.beforeEnd(1)), .cutAfterRequest(withReset: false), .cutAfterRequest(withReset: true)] + replies + [.cutReply(.beforeEnd(1))]
    }

    private func withProxy(_ body: (ProxyBox) async throws -> Void) async throws {
        let box = ProxyBox()
        do {
            try await body(box)
        } catch {
            await box.stop()
            throw error
        }
        await box.stop()
    }
}

/// A proxy that is started in the middle of a scene and ended after it.
private actor ProxyBox {
    private var proxy: FaultProxy?

    func start(before port: Int) async throws -> Int {
        let proxy = try await FaultProxy.start(venuePort: port)
        self.proxy = proxy
        return proxy.port
    }

    func running() throws -> FaultProxy {
        guard let proxy else { throw TimedOut(description: "no proxy") }
        return proxy
    }

    func stop() async { await proxy?.stop() }
}
