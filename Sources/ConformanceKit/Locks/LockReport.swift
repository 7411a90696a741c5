import Foundation
import TradingModel

/// The lock clauses of one run, each with its result and how many trials it made.
public struct LockReport: Sendable {
    public struct Entry: Sendable {
        public let clause: LockClause
        public let result: ClauseResult
        public let duration: Duration
        public let trials: Int
    }

    public let name: String
    public let entries: [Entry]

    /// Checks the clauses, several at once, in the order given.
    public static func run(_ clauses: [LockClause], against harness: any LockHarness, trials: LockTrials) async -> LockReport {
        let entries = await withTaskGroup(of: (Int, Entry).self) { group in
            for (index, clause) in clauses.enumerated() {
                group.addTask {
                    let (result, duration, count) = await clause.timedCheck(harness, trials: trials)
                    return (index, Entry(clause: clause, result: result, duration: duration, trials: count))
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        return LockReport(name: harness.name, entries: entries.sorted { $0.0 < $1.0 }.map(\.1))
    }

    public var passed: Int { entries.count { $0.result == .passed } }
    public var failed: Int { entries.count { $0.result.isFailure } }
    public var absent: Int { entries.count { if case .absent = $0.result { true } else { false } } }
    /// Not checked in this run.
    public var leftOut: Int { entries.count - passed - failed - absent }
    public var trials: Int { entries.reduce(0) { $0 + $1.trials } }

    /// Whether every clause that applies passed, and any did.
    public var isKept: Bool { failed == 0 && passed > 0 }

    /// A line per clause with its trials, and the counts.
    public var text: String {
        var lines: [String] = []
        for entry in entries {
            let head = entry.clause.id + String(repeating: " ", count: max(1, 32 - entry.clause.id.count))
            let trials = entry.trials > 0 ? "\(entry.trials) trials, " : ""
            switch entry.result {
            case .passed: lines.append("passed  \(head)\(trials)\(entry.duration.wholeMilliseconds) ms")
            case .absent(let reason): lines.append("absent  \(head)\(reason)")
            case .leftOut(let reason): lines.append("left out \(head)\(reason)")
            case .failed(let reason): lines.append("FAILED  \(head)\(entry.clause.title)\n        \(reason)")
            }
        }
        let faults = entries.count { $0.clause.kind == .wireFault && $0.result == .passed }
        lines.append(
            "\(name): \(entries.count) clauses, \(passed) passed (\(faults) with faults on the wire), \(failed) failed, \(absent) absent by declaration"
                + (leftOut > 0 ? ", \(leftOut) left out" : "") + "; \(trials) trials")
        return lines.joined(separator: "\n")
    }

    /// For programs. Sorted keys, one object.
    public func json() throws -> String {
        struct Row: Encodable {
            let id: String
            let title: String
            let result: String
            let reason: String?
            let trials: Int
            let milliseconds: Int64
        }
        struct Whole: Encodable {
            let backend: String
            let passed: Int
            let failed: Int
            let absent_by_declaration: Int
            let left_out: Int
            let clauses: [Row]
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let rows = entries.map {
            Row(
                id: $0.clause.id, title: $0.clause.title, result: $0.result.word, reason: $0.result.reason, trials: $0.trials,
                milliseconds: $0.duration.wholeMilliseconds)
        }
        let whole = Whole(
            backend: name, passed: passed, failed: failed, absent_by_declaration: absent, left_out: leftOut, clauses: rows)
        return String(decoding: try encoder.encode(whole), as: UTF8.self)
    }
}
