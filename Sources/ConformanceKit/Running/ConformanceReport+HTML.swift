extension ConformanceReport {
    /// One page without anything from elsewhere, to be kept or sent.
    public var html: String {
        let state = isKept ? (leftOut > 0 ? "kept, as far as it was checked" : "kept") : "not kept"
        let counts = [("passed", passed), ("failed", failed), ("absent by declaration", absent), ("left out, not checked", leftOut)]
        var parts = [
            """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(name.xml): contract \(state)</title>
            <style>
            body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1b1f24;background:#fff}
            table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}
            code{font-size:.9em}.passed{color:#116329}.failed{color:#a40e26;font-weight:600}.absent_by_declaration,.left_out{color:#57606a}
            </style></head><body>
            <h1>\(name.xml): contract \(state)</h1>
            <p>Checked against \(venue.xml), \(startedAt.description.xml).</p>
            """,
            Self.table(["", "clauses"], counts.map { [$0.0, String($0.1)] }),
            "<h2>Levels</h2>",
            Self.table(
                ["level", "passed", "failed", "left out"],
                levels.map { [$0.level.description, String($0.passed), String($0.failed), String($0.leftOut)] }),
        ]
        let failures = entries.filter(\.result.isFailure)
        if !failures.isEmpty {
            parts += ["<h2>Failures</h2>", Self.table(["clause", "what it says", "what was seen"], failures.map { [$0.clause.id, $0.clause.title, $0.result.reason ?? ""] })]
        }
        if leftOut > 0 {
            parts += ["<h2>Left out</h2>", Self.table(["why", "clauses"], grouped("left_out").map { [$0.reason, $0.ids.joined(separator: " ")] })]
        }
        parts.append("<h2>Every clause</h2>\n<table><tr><th>clause</th><th>level</th><th>what it says</th><th>result</th><th>ms</th></tr>")
        for entry in entries {
            let reason = entry.result.reason.map { "<br>\($0.xml)" } ?? ""
            parts.append(
                "<tr><td><code>\(entry.clause.id.xml)</code></td><td>\(entry.clause.level)</td><td>\(entry.clause.title.xml)\(reason)</td>"
                    + "<td class=\"\(entry.result.word)\">\(entry.result.word.replacing("_", with: " "))</td><td>\(entry.duration.wholeMilliseconds)</td></tr>")
        }
        return parts.joined(separator: "\n") + "\n</table></body></html>"
    }

    private static func table(_ head: [String], _ rows: [[String]]) -> String {
        let line = { (cells: [String], tag: String) in "<tr>" + cells.map { "<\(tag)>\($0.xml)</\(tag)>" }.joined() + "</tr>" }
        return (["<table>", line(head, "th")] + rows.map { line($0, "td") } + ["</table>"]).joined(separator: "\n")
    }
}
