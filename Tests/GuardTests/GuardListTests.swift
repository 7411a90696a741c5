import Foundation
import Testing

/// The list of safety guards that `scripts/prove guards` takes out one by one. Here only: that it fits the sources.
@Suite struct GuardListTests {
    private struct Entry {
        let id: String
        var says = ""
        var tests = ""
        var edits: [(file: String, find: String, make: String)] = []
    }

    private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    private static func entries() throws -> [Entry] {
        var entries: [Entry] = []
        var file = ""
        var find = ""
        for line in try String(contentsOf: here.appending(path: "guards.txt"), encoding: .utf8).split(separator: "\n") {
            let text = line.drop { $0 == " " }
            guard !text.isEmpty, !text.hasPrefix("#") else { continue }
            let word = text.prefix { $0 != " " }
            let rest = String(text.dropFirst(word.count + 1))
            guard word != "guard" else {
                entries.append(Entry(id: rest))
                continue
            }
            let last = try #require(entries.indices.last, "'\(word)' before the first guard")
            switch word {
            case "says": entries[last].says = rest
            case "tests": entries[last].tests = rest
            case "file": file = rest
            case "find": find = rest
            case "make": entries[last].edits.append((file, find, rest))
            default: Issue.record("unknown word '\(word)'")
            }
        }
        return entries
    }

    @Test func `each guard of the list stands in the sources, once`() throws {
        let entries = try Self.entries()
        #expect(entries.count >= 30)
        #expect(Set(entries.map(\.id)).count == entries.count)
        let root = Self.here.deletingLastPathComponent().deletingLastPathComponent()
        for entry in entries {
            #expect(!entry.says.isEmpty && !entry.tests.isEmpty && !entry.edits.isEmpty, "\(entry.id) is not whole")
            for edit in entry.edits {
                let source = try String(contentsOf: root.appending(path: edit.file), encoding: .utf8)
                let count = source.components(separatedBy: edit.find).count - 1
                #expect(count == 1, "\(entry.id): found \(count) times in \(edit.file): \(edit.find)")
                #expect(edit.make.contains("REMOVED"), "\(entry.id): its edit does not ask whether it is taken out")
            }
        }
    }
}
