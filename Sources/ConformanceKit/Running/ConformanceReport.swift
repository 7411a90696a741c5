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
    /// What the adapter was checked against, in words.
    public let venue: String
    public let startedAt: Timestamp
    public let entries: [Entry]

    /// Checks the clauses, several at once, in the order given.
    ///
    /// - Parameters:
    ///   - inTurn: One after the other, for a venue that all of them share.
    ///   - venue: What the harness stands for, for the report.
    ///   - leaveOut: Why a clause must not be checked here; nil where it may.
    public static func run(
        _ clauses: [BrokerClause], against harness: any VenueHarness, inTurn: Bool = false,
        venue: String = "its simulator, a fresh one for each clause", leaveOut: @Sendable (BrokerClause) -> String? = { _ in nil }
    ) async -> ConformanceReport {
        let startedAt = SystemClock().wallTime
        let check = { @Sendable (clause: BrokerClause) async -> Entry in
            let (result, duration) = await clause.timedCheck(harness)
            return Entry(clause: clause, result: result, duration: duration)
        }
        var entries: [(Int, Entry)] = []
        var wanted: [(Int, BrokerClause)] = []
        for (index, clause) in clauses.enumerated() {
            if let reason = leaveOut(clause) {
                entries.append((index, Entry(clause: clause, result: .leftOut(reason), duration: .zero)))
            } else if inTurn {
                entries.append((index, await check(clause)))
            } else {
                wanted.append((index, clause))
            }
        }
        entries += await withTaskGroup(of: (Int, Entry).self) { group in
            for (index, clause) in wanted { group.addTask { (index, await check(clause)) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        return ConformanceReport(
            name: harness.profile.name, venue: venue, startedAt: startedAt, entries: entries.sorted { $0.0 < $1.0 }.map(\.1))
    }

    public var passed: Int { entries.count { $0.result == .passed } }
    public var failed: Int { entries.count { $0.result.isFailure } }
    public var absent: Int { entries.count { if case .absent = $0.result { true } else { false } } }
    /// Not checked: the venue of this run does not allow it.
    public var leftOut: Int { entries.count - passed - failed - absent }

    /// The levels of the clauses of this run, each with what passed of what applies.
    public var levels: [(level: ConformanceLevel, passed: Int, failed: Int, leftOut: Int)] {
        ConformanceLevel.allCases.compactMap { level in
            let own = entries.filter { $0.clause.level == level }
            guard !own.isEmpty else { return nil }
            let leftOut = own.count { if case .leftOut = $0.result { true } else { false } }
            return (level, own.count { $0.result == .passed }, own.count { $0.result.isFailure }, leftOut)
        }
    }

    /// Whether every clause that applies passed, and any did.
    public var isKept: Bool { failed == 0 && passed > 0 }
}

extension ConformanceReport {
    /// A line per clause that failed, the others that did not pass by their reason, a line per level, and the counts.
    public var text: String {
        var lines: [String] = []
        for entry in entries where entry.result.isFailure {
            lines.append("FAILED  \(entry.clause.id): \(entry.clause.title)\n        \(entry.result)")
        }
        for (reason, ids) in grouped("absent_by_declaration") { lines.append("absent  \(ids.count): \(reason)\n        \(ids.joined(separator: " "))") }
        for (reason, ids) in grouped("left_out") { lines.append("left out  \(ids.count): \(reason)\n        \(ids.joined(separator: " "))") }
        for level in levels {
            let rest = level.leftOut > 0 ? ", \(level.leftOut) left out" : ""
            lines.append("level \(level.level): \(level.passed) passed, \(level.failed) failed\(rest)")
        }
        let faults = entries.count { $0.clause.kind == .wireFault && $0.result == .passed }
        lines.append("\(name): \(entries.count) clauses, \(passed) passed (\(faults) with faults on the wire), \(failed) failed, \(absent) absent by declaration\(leftOut > 0 ? ", \(leftOut) left out" : "")")
        return lines.joined(separator: "\n")
    }

    /// The clauses with this result by their reason, in the order of the first of each.
    func grouped(_ word: String) -> [(reason: String, ids: [String])] {
        var found: [(reason: String, ids: [String])] = []
        for entry in entries where entry.result.word == word {
            let reason = entry.result.reason ?? ""
            if let index = found.firstIndex(where: { $0.reason == reason }) {
                found[index].ids.append(entry.clause.id)
            } else {
                found.append((reason, [entry.clause.id]))
            }
        }
        return found
    }

    /// For programs. Sorted keys, one object.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let rows = entries.map { entry in
            JSONReport.Row(
                id: entry.clause.id, title: entry.clause.title, kind: entry.clause.kind.rawValue, level: entry.clause.level.rawValue, result: entry.result.word,
                reason: entry.result.reason, milliseconds: entry.duration.wholeMilliseconds)
        }
        let report = JSONReport(
            adapter: name, against: venue, started_at: startedAt.description, passed: passed, failed: failed, absent_by_declaration: absent,
            left_out: leftOut, clauses: rows)
        return String(decoding: try encoder.encode(report), as: UTF8.self)
    }

    /// For CI servers: JUnit's XML, a clause that is absent or was left out as skipped.
    public var junit: String {
        let total = entries.reduce(Int64(0)) { $0 + $1.duration.wholeMilliseconds }
        var lines = [
            #"<?xml version="1.0" encoding="UTF-8"?>"#,
            "<testsuite name=\"\(name.xml)\" tests=\"\(entries.count)\" failures=\"\(failed)\" skipped=\"\(absent + leftOut)\" time=\"\(total.seconds)\">",
        ]
        for entry in entries {
            let head = "  <testcase classname=\"\(name.xml).\(entry.clause.kind.rawValue)\" name=\"\(entry.clause.id.xml)\" time=\"\(entry.duration.wholeMilliseconds.seconds)\""
            switch entry.result {
            case .passed: lines.append(head + "/>")
            case .failed(let reason): lines.append(head + "><failure message=\"\(reason.xml)\"/></testcase>")
            case .absent(let reason), .leftOut(let reason): lines.append(head + "><skipped message=\"\(reason.xml)\"/></testcase>")
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
            let level: Int
            let result: String
            let reason: String?
            let milliseconds: Int64
        }
        let adapter: String
        let against: String
        let started_at: String
        let passed: Int
        let failed: Int
        let absent_by_declaration: Int
        let left_out: Int
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
        case .leftOut: "left_out"
        }
    }

    var reason: String? {
        switch self {
        case .passed: nil
        case .failed(let reason), .absent(let reason), .leftOut(let reason): reason
        }
    }
}

extension Int64 {
    fileprivate var seconds: String { "\(self / 1000).\(String(String(1000 + self % 1000).dropFirst()))" }
}

extension String {
    /// For text and attributes. Control characters are not allowed in XML at all.
    var xml: String {
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
