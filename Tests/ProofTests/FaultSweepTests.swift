import ConformanceKit
import Foundation
import Synchronization
import TestSupport
import Testing

/// A placement cut at every byte of its request and of its reply, at each venue.
@Suite(.serialized) struct FaultSweepTests {
    /// Counts endings by what was cut.
    private final class Tally: Sendable {
        private let state = Mutex((counts: [String: Int](), wrong: [String]()))
        func count(_ what: String) { state.withLock { $0.counts[what, default: 0] += 1 } }
        func wrong(_ what: String) { state.withLock { $0.wrong.append(what) } }
        var wrong: [String] { state.withLock { $0.wrong } }
        var total: Int { state.withLock { $0.counts.values.reduce(0, +) } }
        var text: String { state.withLock { $0.counts.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }.joined(separator: ", ") } }
    }

    @Test("cut at every byte of request and reply, an order is at the venue once at most, and its outcome is right", arguments: SweptVenue.all)
    func everyByte(_ venue: SweptVenue) async throws {
        let tally = Tally()
        try await venue.with { running in
            let trial = CutTrial(running)
            var number = 0
            func run(_ fault: WireFault, _ where: String) async -> CutTrial.Ending? {
                number += 1
                do {
                    let ending = try await trial.run(number, fault)
                    tally.count("\(`where`): \(ending.rawValue)")
                    return ending
                } catch {
                    tally.wrong("\(fault): \(error)")
                    return nil
                }
            }
            // The first one passes whole, and shows how long a request is.
            _ = await run(.trickle(pieces: 1, every: .zero), "whole")
            let length = running.proxy.requests.last { seen in running.placements.contains { $0.method == seen.method && $0.path == seen.path } }?.bytes ?? 0
            #expect(length > 100)
            for offset in Self.offsets(upTo: length) where tally.wrong.count < 10 { _ = await run(.cutRequest(.bytes(offset)), "request") }
            for end in [2, 1, 0] { _ = await run(.cutRequest(.beforeEnd(end)), "request") }
            for withReset in [false, true] { _ = await run(.cutAfterRequest(withReset: withReset), "reply") }
            if Trials.isLong {
                // How long a reply is shows when all of it has come.
                // What the stream tells may settle an order in spite of its lost reply, so that once is not enough.
                var whole = 0
                for offset in 0..<10_000 where tally.wrong.count < 10 && whole < 5 {
                    whole = await run(.cutReply(.bytes(offset)), "reply") == .accepted ? whole + 1 : 0
                }
            } else {
                for offset in [0, 1, 17, 150] { _ = await run(.cutReply(.bytes(offset)), "reply") }
                for percent in [35, 60, 85] { _ = await run(.cutReply(.percent(percent)), "reply") }
                for end in [2, 1, 0] { _ = await run(.cutReply(.beforeEnd(end)), "reply") }
            }
            let orders = try await running.controls.orders()
            let ids = orders.compactMap(\.clientOrderID)
            #expect(ids.count == Set(ids).count, "an order is at the venue twice")
        }
        #expect(tally.wrong == [])
        Trials.tell("fault sweep, \(venue): \(tally.total) cuts, \(tally.text)")
    }

    /// In a short run the ends and a seeded choice between them.
    private static func offsets(upTo length: Int) -> [Int] {
        guard !Trials.isLong else { return Array(0..<length) }
        var generator = SeededGenerator(seed: 20_261_121)
        return [0, 1] + (0..<8).map { _ in Int.random(in: 2..<max(3, length), using: &generator) }.sorted()
    }
}

/// SplitMix64, so that a run can be had again. Source: public domain, prng.di.unimi.it.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
