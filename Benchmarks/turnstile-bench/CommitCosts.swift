import ConformanceKit
import Foundation
import Histogram
import Logging
import PostgresStore
import SQLiteStore
import StoreContract
import StoreKit
import Synchronization
import TradingModel

/// What a commit costs in each store, called directly, beside the disk's own sync in the same run.
///
/// The Postgres server is started for the run, with its data in this machine's temporary folder and its defaults for durability.
struct CommitCosts {
    let folder: String
    let runs: Int
    let seconds: Int
    /// Of works at once, as many signals of one moment.
    private static let atOnce = 64

    func measure() async throws -> [Measurements.Line] {
        var lines: [Measurements.Line] = []
        lines += try lineOfDisk()
        lines += try await measure("SQLite") { number, body in
            let store = try await SQLiteStorePlugin.openStore(.init(path: "\(folder)/commits-\(number)/turnstile.db"), context: Self.context)
            try await body(store)
            await store.close()
        }
        try await PostgresUnderTest.with { server in
            lines += try await measure("Postgres") { number, body in
                let store = try await PostgresStorePlugin.openStore(
                    .init(url: Secret(server.url()), schema: "run_\(number)"), context: Self.context)
                try await body(store)
                await store.close()
            }
        }
        lines += try lineOfDisk()
        return lines
    }

    private static let context = StoreContext(clock: SystemClock(), logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })

    private func lineOfDisk() throws -> [Measurements.Line] {
        [("fdatasync of 4 KiB, p50 / p99", Self.percentiles([try Disk.syncLatency(in: folder)]), "")]
    }

    private func measure(
        _ name: String, with open: (Int, @escaping @Sendable (any OrderStore) async throws -> Void) async throws -> Void
    ) async throws -> [Measurements.Line] {
        let (health, single, many) = (Runs(), Runs(), Runs())
        let seconds = seconds
        for run in 0..<runs {
            try await open(run) { store in
                health.add(try await Self.repeated(1, for: seconds) { _ in try await store.checkHealth(at: SystemClock().wallTime) })
                single.add(try await Self.repeated(1, for: seconds) { try await Self.admit("s\($0)", to: store) })
                many.add(try await Self.repeated(Self.atOnce, for: seconds) { try await Self.admit("m\($0)", to: store) })
            }
        }
        let rates = many.all.map { Double($0.totalCount) / Double(seconds) }
        return [
            ("\(name): smallest commit, p50 / p99", Self.percentiles(health.all), ""),
            ("\(name): one signal with its order, p50 / p99", Self.percentiles(single.all), ""),
            ("\(name): the same, \(Self.atOnce) at once, p50 / p99", Self.percentiles(many.all) + "; \(rounded(median(rates)))/s", ""),
        ]
    }

    /// Runs `work` over and over, so many at once, and returns how long each took in microseconds.
    private static func repeated(
        _ width: Int, for seconds: Int, _ work: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> Histogram<UInt64> {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        return try await withThrowingTaskGroup(of: Histogram<UInt64>.self) { group in
            for worker in 0..<width {
                group.addTask {
                    var latency = emptyHistogram()
                    var number = worker
                    while clock.now < end {
                        let start = clock.now
                        try await work(number)
                        latency.record(microseconds(clock.now - start))
                        number += width
                    }
                    return latency
                }
            }
            return try await group.reduce(into: emptyHistogram()) { $0.add($1) }
        }
    }

    private static func admit(_ name: String, to store: any OrderStore) async throws {
        let now = SystemClock().wallTime
        let signal = SignalRecord(
            id: SignalID("sig-\(name)"), source: "tv", key: SignalKey(hash: JournalHash.sha256(name), isExplicit: true),
            bodyHash: JournalHash.sha256("body"), body: #"{"ticker":"BTCUSD","action":"buy","quantity":"0.01","alert_id":"\#(name)"}"#,
            verdict: .accepted, strategy: "trend", receivedAt: now, firedAt: nil, clientAddress: "127.0.0.1", requestID: "r-\(name)",
            traceparent: nil, answer: StoredAnswer(status: 202, body: #"{"signal_id":"sig-\#(name)"}"#))
        let order = OrderRecord(
            id: OrderID("ord-\(name)"), signalID: signal.id, strategy: "trend", account: "a1", leg: 0, clientOrderID: ClientOrderID("c-\(name)"),
            symbol: "BTCUSDT", signalSymbol: "BTCUSD", side: .buy, type: .market, timeInForce: .gtc, requestedQuantity: 2, limitPrice: nil,
            stopPrice: nil, reduceOnly: false, referencePrice: nil, policy: OrderPolicy(), requestID: signal.requestID, createdAt: now,
            updatedAt: now, expiresAt: now + .seconds(60))
        let result = try await store.admit(Admission(signal: signal, orders: [order], window: .zero, rate: nil))
        guard result == .admitted else { throw BenchError("a new signal was not admitted: \(result)") }
    }

    private static func percentiles(_ runs: [Histogram<UInt64>]) -> String {
        [50.0, 99].map { percent in decimal(median(runs.map { Double($0.valueAtPercentile(percent)) / 1000 })) }.joined(separator: " / ") + " ms"
    }
}

/// What the runs of one measurement gave.
private final class Runs: Sendable {
    private let held = Mutex<[Histogram<UInt64>]>([])
    func add(_ histogram: Histogram<UInt64>) { held.withLock { $0.append(histogram) } }
    var all: [Histogram<UInt64>] { held.withLock { $0 } }
}

func emptyHistogram() -> Histogram<UInt64> { Histogram(highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: .three) }

func microseconds(_ duration: Duration) -> UInt64 { UInt64(max(0, duration / .microseconds(1))) }
