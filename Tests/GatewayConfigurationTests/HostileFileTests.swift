import Foundation
import Testing

@testable import GatewayConfiguration

/// Files that were not written to be read. None may crash, hang or pass.
@Suite(.timeLimit(.minutes(2))) struct HostileFileTests {
    @Test(arguments: [
        Mistake("empty", "", "turnstile.yaml:1:1 the file is empty"),
        Mistake("comments only", "# nothing\n", "turnstile.yaml:1:1 the file is empty"),
        Mistake("a word", "hello", "turnstile.yaml:1:1 the file must be a block of keys", "turnstile.yaml:1:1 version is required: write `version: 1`"),
        Mistake("duplicate key", "version: 1\nhttp:\n  port: 1\n  host: h\n  port: 2\n", #"turnstile.yaml:3:3 duplicate key "port": each key may stand once in its block"#),
        Mistake("duplicate in quotes", "version: 1\n\"version\": 1\n", #"turnstile.yaml:1:1 duplicate key "version": each key may stand once in its block"#),
        Mistake("two documents", file() + "---\nversion: 1\n", "turnstile.yaml:8:1 the file must hold one YAML document"),
        Mistake("alias", "version: 1\nstore: &s { type: sqlite }\nlocks: *s\n", "turnstile.yaml:3:8 aliases (*name) are not supported: write the value out"),
        Mistake("anchor", file(locks: "locks: &l { type: sqlite }"), "turnstile.yaml:4:8 anchors (&name) are not supported: remove the mark"),
        Mistake("merge key", file(locks: "locks: { <<: { ttl: 9s }, type: sqlite }"), "turnstile.yaml:4:10 merge keys (<<) are not supported: write the values out"),
        Mistake("tag", file(locks: "locks: { type: !!binary c3FsaXRl }"), "turnstile.yaml:4:16 tags (tag:yaml.org,2002:binary) are not supported: remove the tag", #"turnstile.yaml:4:16 unknown lock type "c3FsaXRl" in locks, known: sqlite"#),
        Mistake("own tag", file(version: "version: !one 1"), "turnstile.yaml:1:10 tags (!one) are not supported: remove the tag"),
        Mistake("key that is a list", file(more: "[a, b]: 1"), "turnstile.yaml:8:1 a key must be a single word"),
        Mistake("null in a list", file(sources: "sources: { tv: { secret: [env:TV, ~] } }"), "turnstile.yaml:5:35 an entry of this list has no value", "turnstile.yaml:5:35 every entry of sources.tv.secret must be a single value"),
    ])
    func `a form that two readers could take differently is refused with its place`(_ mistake: Mistake) {
        #expect(problems(mistake.text) == mistake.problems)
    }

    @Test(arguments: [
        "version: 1\n\thttp: {}\n", "version: [1", "version: {1", "version: \"1", "a: b: c", "- a\nb: c", "%YAML 9.9\n---\nversion: 1", "version: 1\n  bad: 1\n bad: 2",
        "\u{0}\u{1}\u{2}", "version: \"\\ud800\"", "version: \"\\x\"", "? [", "&a *a", "*a", "!", "!!", "|", ">-", "---", "...", "@", "`", "version: @x", "\u{FEFF}version: 1\n\u{FEFF}",
        "version: 1\r\nhttp: {\r\n", "? a\n? b\n: c\n", "[[[[{{{{", "}}}}]]]]", "'", "\"", "# \u{FFFF}",
    ])
    func `broken YAML is one or more clear problems`(_ text: String) {
        let found = problems(text)
        #expect(!found.isEmpty)
        for line in found { #expect(line.wholeMatch(of: /turnstile\.yaml:[1-9][0-9]*:[1-9][0-9]* .+/) != nil, "\(line)") }
    }

    @Test func `a tab as indentation says what to do`() {
        let found = problems("version: 1\nhttp:\n\tport: 1\n")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("turnstile.yaml:3:1 not valid YAML: ") == true)
        #expect(found.first?.contains("indent with spaces") == true)
    }

    @Test(arguments: ["[", "{a: ", "- ", "? ", "{? "])
    func `deep nesting is refused`(_ opening: String) {
        for depth in [40, 900, 5000, 200_000] {
            #expect(!problems("version: 1\nx: " + String(repeating: opening, count: depth)).isEmpty)
            #expect(!problems(String(repeating: opening, count: depth)).isEmpty)
        }
        let closed = "version: 1\nx: " + String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(problems(closed).contains("turnstile.yaml:2:36 nested deeper than 32 levels"))
    }

    @Test func `an alias bomb is refused before it is built`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 { text += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ") + "]\n" }
        text += "? *a30\n: 1\n? *a30\n: 2\n"
        #expect(problems(text) == ["turnstile.yaml:2:10 aliases (*name) are not supported: write the value out"])
    }

    @Test func `bytes that are not text are refused`() {
        let head = Array("version: 1\nhttp: { host: ".utf8)
        #expect(problem(of: head + [0xFF, 0xFE]) == "turnstile.yaml:2:15 the file is not UTF-8 text")
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 1...400, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(problem(of: bytes) != nil)
        }
    }

    @Test func `mutations of a good file never crash`() {
        let good = Array(file().utf8)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<1000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = Array("{}[]:,&*!|>'\"%@`#-? \n\tab0".utf8).randomElement(using: &generator) ?? 0
            }
            _ = problem(of: bytes)
        }
    }

    @Test func `a file of more than 1 MiB is refused, and one of just that size is read`() {
        let good = Array(file().utf8)
        let filler = [UInt8](repeating: UInt8(ascii: "#"), count: YAMLText.maximumBytes - good.count)
        #expect(problem(of: good + filler) == nil)
        #expect(problem(of: good + filler + [0x23]) == "turnstile.yaml:1:1 the file is larger than 1 MiB")
        for unit in ["a", "[a,", "a: ", "- ", "'", "{a: 1, ", "k\n", "- - ", "\"\\x41", "? "] {
            let bytes = Array(String(repeating: unit, count: YAMLText.maximumBytes / unit.utf8.count).utf8)
            #expect(problem(of: bytes) != nil)
        }
    }

    private func problem(of bytes: [UInt8]) -> String? {
        do {
            _ = try read(bytes: bytes)
            return nil
        } catch {
            return error.description.split(separator: "\n").first.map(String.init)
        }
    }
}
