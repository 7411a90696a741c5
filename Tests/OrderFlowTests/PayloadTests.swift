import OrderFlow
import Testing
import TradingModel

@Suite struct StrictJSONTests {
    private func parse(_ text: String) throws -> JSONValue { try StrictJSON.parse(Array(text.utf8)).value }

    @Test func `numbers keep their text`() throws {
        #expect(try parse(#"{"a":0.10,"b":1e-8,"c":123456789012345678901234567890}"#).text == #"{"a":0.10,"b":1e-8,"c":123456789012345678901234567890}"#)
    }

    @Test func `escapes and surrogate pairs are read`() throws {
        #expect(try parse(#""\u00e9\ud83d\ude00\n\/""#) == .string("é😀\n/"))
    }

    @Test func `equal objects have equal canonical text`() throws {
        #expect(try parse(#"{"b":1,"a":[{"y":2,"x":3}]}"#).canonicalText == parse(#" { "a" : [ { "x" : 3 , "y" : 2 } ] , "b" : 1 } "#).canonicalText)
    }

    @Test(arguments: [
        ("", 1, 1), ("{", 1, 2), (#"{"a":1,}"#, 1, 8), (#"{"a" 1}"#, 1, 6), ("{\n \"a\": tru }", 2, 7), (#"{"a":1} x"#, 1, 9), ("[1,]", 1, 4),
        ("01", 1, 1), ("-", 1, 2), ("1.", 1, 3), ("1e", 1, 3), (#""\x""#, 1, 3), (#""\ud800""#, 1, 8), ("\"a\nb\"", 1, 3), ("nul", 1, 1), ("'a'", 1, 1),
        (#"{"a":1,"a":2}"#, 1, 8), (#"{"q":NaN}"#, 1, 6), (#"{"q":{{close}}}"#, 1, 7), (#"{"q":+1}"#, 1, 6), (#"{a:1}"#, 1, 2), ("\u{FEFF}{}", 1, 1),
    ])
    func `broken JSON is refused with its place`(_ text: String, _ line: Int, _ column: Int) {
        let problem = #expect(throws: PayloadProblem.self) { try StrictJSON.parse(Array(text.utf8)) }
        #expect(problem?.line == line)
        #expect(problem?.column == column)
        #expect(problem?.status == 400)
    }

    @Test(arguments: [2, 15, 16, 17, 18, 40]) func `a repeated key is found in short objects and in long ones`(_ count: Int) throws {
        let members = (0..<count).map { "\"k\($0)\":\($0)" }
        let parsed = try parse("{" + members.joined(separator: ",") + "}")
        #expect(parsed.text == "{" + members.joined(separator: ",") + "}")
        for repeated in [0, count / 2, count - 1] {
            let problem = #expect(throws: PayloadProblem.self) { try parse("{" + members.joined(separator: ",") + ",\"k\(repeated)\":0}") }
            #expect(problem?.code == "duplicate_key")
        }
    }

    @Test func `a text is the same with an escape in it and without, and what JSON escapes is written as an escape`() throws {
        #expect(try parse(#"["plain é😀","\u0070lain é😀",""]"#) == .array([.string("plain é😀"), .string("plain é😀"), .string("")]))
        #expect(JSONValue.string("a\"b\\c\n\r\t\u{1}\u{1F}\u{7F}é").text == #""a\"b\\c\n\r\t\u0001\u001f\u007fé""#)
        #expect(try parse(JSONValue.string("a\"b\\c\n\r\t\u{1}\u{1F}\u{7F}é").text) == .string("a\"b\\c\n\r\t\u{1}\u{1F}\u{7F}é"))
    }

    @Test func `depth and size are bounded`() {
        func code(_ text: String) -> String? {
            do {
                _ = try StrictJSON.parse(Array(text.utf8))
                return nil
            } catch { return error.code }
        }
        #expect(code(String(repeating: "[", count: 100_000)) == "too_deep")
        #expect(code(String(repeating: "[", count: 32) + String(repeating: "]", count: 32)) == nil)
        #expect(code(String(repeating: "[", count: 33) + String(repeating: "]", count: 33)) == "too_deep")
        #expect(code("[" + String(repeating: "1,", count: 1000) + "1]") == "too_large")
    }

    @Test func `invalid UTF-8 is refused`() {
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0xAF, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0xFE, 0xFF, 0x00, 0x7B], [0x22, 0x5C, 0x6E, 0xFF, 0x22]] {
            #expect(throws: PayloadProblem.self) { try StrictJSON.parse(bytes) }
        }
    }
}

@Suite struct NativePayloadTests {
    private func signal(_ text: String, keyField: String? = nil) throws -> TradeSignal {
        try NativePayload(Array(text.utf8)).signal(keyField: keyField)
    }
    private func problem(_ text: String) -> PayloadProblem? {
        do {
            _ = try signal(text)
            return nil
        } catch { return error as? PayloadProblem }
    }

    @Test func `the documented template is read`() throws {
        let signal = try signal(
            #"{"v":1,"strategy":"trend","symbol":"BTCUSD","exchange":"X","action":"buy","quantity":"0.010","position":"long","position_size":"1","prev_position":"flat","price":"60000.5","order_id":"Long","interval":"5","bar_time":"2026-11-21T05:00:00Z","fired_at":"2026-11-21T05:06:07Z","max_lag":"30"}"#)
        #expect(signal.side == .buy && signal.strategy == "trend" && signal.type == .market)
        #expect(try signal.quantity == Quantity("0.01"))
        #expect(signal.maximumAge == .seconds(30))
        #expect(signal.firedAt == start)
    }

    @Test(arguments: [
        (#"{"v":1}"#, "missing_field"), (#"{"v":2,"symbol":"B","action":"buy"}"#, "unsupported_version"), (#"[]"#, "wrong_type"),
        (#"{"v":1,"symbol":"B","action":"hold","quantity":1}"#, "unknown_action"), (#"{"v":1,"symbol":7,"action":"buy"}"#, "wrong_type"),
        (#"{"v":1,"symbol":"B","action":"buy","quantity":"NaN"}"#, "invalid_number"), (#"{"v":1,"symbol":"B","action":"buy","quantity":0}"#, "not_positive"),
        (#"{"v":1,"symbol":"B","action":"buy","quantity":"-1"}"#, "not_positive"), (#"{"v":1,"symbol":"B","action":"buy","quantity":true}"#, "wrong_type"),
        (#"{"v":1,"symbol":"B","action":"{{strategy.order.action}}","quantity":1}"#, "placeholder_unresolved"),
        (#"{"v":1,"symbol":"B","action":"buy","quantity":1,"extras":{"deep":["{{x}}"]}}"#, "placeholder_unresolved"),
        (#"{"v":1,"symbol":"B","action":"buy","quantiy":1}"#, "unknown_field"), (#"{"v":1,"symbol":"B","action":"buy","quantity":1e400}"#, "invalid_number"),
        (#"{"v":1,"symbol":"B","action":"buy","quantity":1,"type":"limit"}"#, "missing_field"),
        (#"{"v":1,"symbol":"B","action":"buy","quantity":1,"limit_price":5}"#, "unexpected_field"),
        (#"{"v":1,"symbol":"B","action":"buy","quantity":1,"fired_at":"yesterday"}"#, "invalid_time"),
        (#"{"v":1,"symbol":"B\u0000","action":"buy","quantity":1}"#, "control_character"),
    ])
    func `a payload that means nothing is refused with a code and a place`(_ text: String, _ code: String) {
        let found = problem(text)
        #expect(found?.code == code)
        #expect(found?.line != nil && found?.pointer != nil)
    }

    @Test func `the secret never reaches the record or the key`() throws {
        let payload = try NativePayload(Array(#"{"secret":"hunter2","v":1,"symbol":"B"}"#.utf8))
        #expect(payload.secret == "hunter2")
        #expect(!payload.redactedText.contains("hunter2"))
        #expect(!payload.canonicalText.contains("secret"))
    }

    @Test func `keys are explicit in the stated order, else derived from the payload`() {
        let derived = SignalKeys.derive(header: nil, field: nil, payloadKey: nil, canonicalPayload: "{}")
        #expect(!derived.key.isExplicit && derived.key.hash == derived.bodyHash)
        let header = SignalKeys.derive(header: "k", field: "f", payloadKey: "p", canonicalPayload: "{}")
        let field = SignalKeys.derive(header: nil, field: "f", payloadKey: "p", canonicalPayload: "{}")
        #expect(header.key.isExplicit && field.key.isExplicit && header.key != field.key)
        #expect(header.bodyHash == derived.bodyHash)
    }
}
