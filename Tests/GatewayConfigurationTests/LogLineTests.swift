import Foundation
import Logging
import Testing
import TradingModel

@testable import turnstile

@Suite struct LogLineTests {
    private struct Line: Decodable, Equatable {
        var timestamp: String
        var level: String
        var logger: String
        var message: String
        var error: String?
        var metadata: [String: String]?
    }

    /// What is written when `body` logs, a line each.
    private func lines(_ body: (Logger) -> Void) throws -> [String] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString)")
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let handle = try FileHandle(forWritingTo: file)
        let output = LogOutput(descriptor: handle.fileDescriptor)
        body(Logger(label: "test") { JSONLogHandler(label: $0, level: .info, clock: SystemClock(), output: output) })
        output.flush()
        try handle.close()
        return String(decoding: try Data(contentsOf: file), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test(arguments: ["", "plain", "é😀", "a\"b", "a\\b", "two\nlines\r\t", "\u{0}\u{1}\u{1F}\u{7F}", "\"", "é\"😀\\\u{8}"])
    func `a line is one JSON object, whatever a text holds`(_ text: String) throws {
        let lines = try lines { logger in
            logger.info("\(text)", error: Unusual(description: text), metadata: ["b": "\(text)", "a": .stringConvertible(7), "c\(text)": "x"])
        }
        #expect(lines.count == 1)
        let line = try JSONDecoder().decode(Line.self, from: Data(try #require(lines.first).utf8))
        #expect((line.level, line.logger, line.message, line.error) == ("info", "test", text, text))
        #expect(line.metadata == ["b": text, "a": "7", "c\(text)": "x"])
        #expect(Timestamp(rfc3339: line.timestamp) != nil)
    }

    @Test func `keys are sorted, and lists and objects keep their form`() throws {
        let lines = try lines { $0.info("m", metadata: ["b": ["1", "2"], "a": ["y": "1", "x": []], "c": "3"]) }
        #expect(lines.first?.hasSuffix(#","message":"m","metadata":{"a":{"x":[],"y":"1"},"b":["1","2"],"c":"3"}}"#) == true)
    }

    private struct Unusual: Error, CustomStringConvertible { let description: String }
}
