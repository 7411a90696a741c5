import Foundation
import TestSupport
import Testing

/// What a venue pushes is a hint: events are lost, doubled and out of order here, while the connection and its heartbeats go on.
@Suite(.serialized) struct PushLossTests {
    static let venues = [VenueCase.tradovate, .coinbase, .binance]

    /// What is traded at each venue: a resting price below the market, twice a part, and what the signal's 0.010 is multiplied by.
    private struct Terms {
        let multiply: Int
        let rest: String
        let part: String

        init(_ venue: VenueCase) {
            let isContract = venue.name == "tradovate"
            multiply = isContract ? 200 : 1
            rest = isContract ? "21000.00" : "59000.00"
            part = isContract ? "1" : "0.005"
        }
    }

    @Test("with 80 % of the events dropped while heartbeats go on, the store comes to equal the venue", arguments: venues)
    func lost(_ venue: VenueCase) async throws {
        let plan = #"[{"on":"stream","action":"drop_event","times":1000000,"percent":80,"seed":42}]"#
        let lags = try await trade(at: venue, under: plan, rounds: Trials.pick(1, long: 25))
        tell("80 % of the events lost", venue, lags)
        // The figure is shown in every run, and judged where nothing else runs beside it.
        if Trials.isLong { #expect((lags.max() ?? 0) < 10, "\(lags.sorted().suffix(5))") }
    }

    @Test("with events five times over and out of order, every position is exact", arguments: venues)
    func doubled(_ venue: VenueCase) async throws {
        let plan = """
            [{"on":"stream","action":"duplicate_event","times":1000000,"percent":50,"copies":5,"seed":7},
             {"on":"stream","action":"reorder_events","times":1000000,"percent":50,"seed":8}]
            """
        let lags = try await trade(at: venue, under: plan, rounds: Trials.pick(1, long: 25))
        tell("events doubled and reordered", venue, lags)
    }

    /// Rounds of resting orders that fill in two parts, and a market order; returns the seconds from each last event at the venue until the store knew of it.
    private func trade(at venue: VenueCase, under plan: String, rounds: Int) async throws -> [Double] {
        let terms = Terms(venue)
        var lags: [Double] = []
        try await ProofScene.with(venue, multiply: terms.multiply) { scene in
            try await scene.venue.faults(plan)
            for round in 0..<rounds {
                var resting: [(id: String, clientOrderID: String)] = []
                for number in 0..<4 {
                    let id = try await scene.post(id: "r\(round)-\(number)", extra: #","type":"limit","limit_price":"\#(terms.rest)""#)
                    let order = try await scene.reach(["accepted"], id)
                    resting.append((id, try #require(order["client_order_id"] as? String)))
                }
                for order in resting { try await scene.fill(order.clientOrderID, terms.part) }
                lags += try await wait(for: resting.map(\.id), in: scene, toFill: terms.part, states: ["partially_filled"])
                for order in resting { try await scene.fill(order.clientOrderID, terms.part) }
                lags += try await wait(for: resting.map(\.id), in: scene, toFill: nil, states: ["filled"])
                try await scene.reach(["filled"], try await scene.post("sell", id: "s\(round)"))
            }
            var differences: [String] = []
            do {
                try await waitUntil("the store equals the venue") {
                    differences = try await scene.differences()
                    return differences.isEmpty
                }
            } catch {
                Issue.record("\(error): \(differences)")
            }
            let alerts = try await scene.gateway.get("/api/v1/monitoring/alerts").body
            for type in ["over_fill", "foreign_order", "parked_order", "illegal_transition"] { #expect(!alerts.contains(type), "\(alerts)") }
        }
        return lags
    }

    /// Seconds until each of the orders is known to be filled so far.
    private func wait(for ids: [String], in scene: ProofScene, toFill part: String?, states: Set<String>) async throws -> [Double] {
        let began = ContinuousClock.now
        var lags: [String: Double] = [:]
        try await waitUntil("\(ids) are \(states): \(scene.gateway.process.text.suffix(2000))", within: .seconds(120)) {
            for order in try await scene.gateway.orders() {
                guard let id = order["id"] as? String, ids.contains(id), lags[id] == nil, states.contains(order["status"] as? String ?? "") else { continue }
                lags[id] = (ContinuousClock.now - began) / .seconds(1)
            }
            return lags.count == ids.count
        }
        return Array(lags.values)
    }

    private func tell(_ what: String, _ venue: VenueCase, _ lags: [Double]) {
        let figures = [50.0, 99, 100].map { String(format: "%.2f", percentile($0, of: lags) ?? -1) }
        Trials.tell("push loss, \(venue), \(what): \(lags.count) fills known after p50 \(figures[0]) s, p99 \(figures[1]) s, at most \(figures[2]) s")
    }
}
