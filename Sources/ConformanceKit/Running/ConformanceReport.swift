import Foundation
import TradingModel

/// The clauses of one run, each with its result.
public struct ConformanceReport: Sendable {
    public struct Entry: Sendable {
        public let clause: BrokerClause
        public let result: ClauseResult
        public let duration: Duration
    }

    /// The venue's name.
    public let name: String
    public let entries: [Entry]

    /// Checks the clauses, several at once, in the order given.
    public static func run(_ clauses: [BrokerClause], against harness: any VenueHarness) async -> ConformanceReport {
        let entries = await withTaskGroup(of: (Int, Entry).self) { group in
            for (index, clause) in clauses.enumerated() {
                group.addTask {
                    let (result, duration) = await clause.timedCheck(harness)
                    return (index, Entry(clause: clause, result: result, duration: duration))
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        return ConformanceReport(name: harness.profile.name, entries: entries.sorted { $0.0 < $1.0 }.map(\.1))
    }

    public var passed: Int { entries.count { $0.result == .passed } }
    public var failed: Int { entries.count { $0.result.isFailure } }
    public var absent: Int { entries.count - passed - failed }

    /// Whether every clause that applies passed, and any did.
    public var isKept: Bool { failed == 0 && passed > 0 }
}

extension ConformanceReport {
    /// A line per clause that did not pass, and the counts.
    public var text: String {
        var lines: [String] = []
        for entry in entries where entry.result != .passed {
            let word = entry.result.isFailure ? "FAILED" : "absent"
            lines.append("\(word)  \(entry.clause.id): \(entry.clause.title)\n        \(entry.result)")
        }
        let faults = entries.count { $0.clause.kind == .wireFault && $0.result == .passed }
        lines.append("\(name): \(entries.count) clauses, \(passed) passed (\(faults) with faults on the wire), \(failed) failed, \(absent) absent by declaration")
        return lines.joined(separator: "\n")
    }

    /// For programs. Sorted keys, one object.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let rows = entries.map { entry in
            JSONReport.Row(
                id: entry.clause.id, title: entry.clause.title, kind: entry.clause.kind.rawValue, result: entry.result.word,
                reason: entry.result.reason, milliseconds: entry.duration.wholeMilliseconds)
        }
        let report = JSONReport(adapter: name, passed: passed, failed: failed, absent_by_declaration: absent, clauses: rows)
        return String(decoding: try encoder.encode(report), as: UTF8.self)
    }

    /// For CI servers: JUnit's XML, an absent clause as skipped.
    public var junit: String {
        let total = entries.reduce(Int64(0)) { $0 + $1.duration.wholeMilliseconds }
        var lines = [
            #"<?xml version="1.0" encoding="UTF-8"?>"#,
            "<testsuite name=\"\(name.xml)\" tests=\"\(entries.count)\" failures=\"\(failed)\" skipped=\"\(absent)\" time=\"\(total.seconds)\">",
        ]
        for entry in entries {
            let head = "  <testcase classname=\"\(name.xml).\(entry.clause.kind.rawValue)\" name=\"\(entry.clause.id.xml)\" time=\"\(entry.duration.wholeMilliseconds.seconds)\""
            switch entry.result {
            case .passed: lines.append(head + "/>")
            case .failed(let reason): lines.append(head + "><failure message=\"\(reason.xml)\"/></testcase>")
            case .absent(let reason): lines.append(head + "><skipped message=\"\(reason.xml)\"/></testcase>")
            }
        }
        lines.append("</testsuite>")
        return lines.joined(separator: "\n")
    }

    private struct JSONReport: Encodable {
        struct Row: Encodable {
            let id: String
            let title: String
            let kind: String
            let result: String
            let reason: String?
            let milliseconds: Int64
        }
        let adapter: String
        let passed: Int
        let failed: Int
        let absent_by_declaration: Int
        let clauses: [Row]
    }
}

extension ClauseResult {
    /// For reports of programs.
    var word: String {
        switch self {
        case .passed: "passed"
        case .failed: "failed"
        case .absent: "absent_by_declaration"
        }
    }

    var reason: String? {
        switch self {
        case .passed: nil
        case .failed(let reason), .absent(let reason): reason
        }
    }
}

extension Int64 {
    fileprivate var seconds: String { "\(self / 1000).\(String(String(1000 + self % 1000).dropFirst()))" }
}

extension String {
    /// For an attribute. Control characters are not allowed in XML at all.
    fileprivate var xml: String {
        unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case _ where scalar.value < 0x20: text += " "
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
