import Foundation

/// The figures as one Markdown table.
struct Report {
    let lines: [Measurements.Line]
    let machine: String
    let runs: Int
    let seconds: Int

    private static let begin = "<!-- figures -->"
    private static let end = "<!-- end of figures -->"

    var markdown: String {
        let rows = lines.map { [$0.what, $0.figure, $0.aim] }
        let all = [["what", "figure", "aim"]] + rows
        let widths = (0..<3).map { column in all.map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            "| " + zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: " | ") + " |"
        }
        let rule = "|" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "|") + "|"
        let note = "\(machine). Medians of \(runs) runs of \(seconds) s."
        return ([note, "", line(all[0]), rule] + rows.map(line)).joined(separator: "\n")
    }

    func write(into path: String) throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        guard let begin = text.range(of: Self.begin), let end = text.range(of: Self.end), begin.upperBound <= end.lowerBound else {
            throw BenchError("\(path) has no place for figures: \(Self.begin) … \(Self.end)")
        }
        let updated = text[..<begin.upperBound] + "\n" + markdown + "\n" + text[end.lowerBound...]
        try Data(updated.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}

/// Where figures come from; without it they say nothing.
enum Machine {
    static func description() -> String {
        let info = ProcessInfo.processInfo
        let cpu = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = cpu.firstMatch(of: #/model name\s*: (.+)/#).map { String($0.1) } ?? "unknown CPU"
        let load = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8))?.split(separator: " ").first.map(String.init) ?? "?"
        let memory = info.physicalMemory >> 30
        return "\(model), \(info.activeProcessorCount) cores, \(memory) GiB, \(info.operatingSystemVersionString); load before the table was printed \(load)"
    }
}
