import ConformanceKit
import Foundation
import LockContract
import StoreContract
import Testing
import TradingModel

@testable import SimulationKit

/// The simulation proves something about the real stores only as far as its own keeps the same contract.
@Suite struct MemoryStoreConformance {
    @Test(arguments: StoreConformance.clauses)
    func `keeps the contract of the order store`(_ clause: StoreClause) async {
        let result = await clause.check(MemoryHarness())
        #expect(!result.isFailure, "\(clause.id): \(clause.title): \(result)")
        // It has no tables that somebody could write to behind its back; nothing else may be left out.
        if case .absent = result { #expect(clause.id.contains(".tables"), "\(clause.id) is not checked") }
    }
}

private struct MemoryHarness: StoreHarness {
    func withPlace(_ body: @escaping @Sendable (any StorePlace) async throws -> Void) async throws {
        let clock = SystemClock()
        try await body(MemoryPlace(database: MemoryDatabase(isVerifying: true, clock: { clock.monotonic.sinceBoot })))
    }
}

private struct MemoryPlace: StorePlace {
    let database: MemoryDatabase

    func open() async throws -> any OrderStore { MemoryStore.open(database) }

    func execute(_ sql: String) async throws {
        guard sql == "DROP TABLE rate_events" else { throw ClauseAbsent("there are no tables in memory") }
        database.tamper { state, _ in state.isRateTableGone = true }
    }

    func executeUnguarded(_ sql: String) async throws {
        guard let number = sql.split(separator: " ").last.flatMap({ Int64($0) }), sql.contains(" journal ") else { throw ClauseAbsent("there are no tables in memory") }
        database.tamper { _, journal in
            if sql.hasPrefix("DELETE") {
                journal.removeAll { $0.sequence == number }
            } else {
                for index in journal.indices where journal[index].sequence == number { journal[index].data += " " }
            }
        }
    }

    func count(_ table: String) async throws -> Int {
        try database.read { state, journal in
            switch table {
            case "signals": state.signals.count
            case "orders": state.orders.count
            case "attempts": state.attempts.values.reduce(0) { $0 + $1.count }
            case "fills": state.fills.values.reduce(0) { $0 + $1.count }
            case "positions": state.positions.count
            case "alerts": state.alerts.count
            case "journal": journal.count
            case "episodes": state.episodes.count
            case "compensations": state.compensations.count
            case "reconciliation_runs": state.runs.count
            case "external_orders": state.external.count
            case "drift_findings": state.findings.count
            case "halts": state.halts.count
            default: throw ClauseAbsent("there is no table \(table) in memory")
            }
        }
    }
}
