import Foundation
import StoreKit
import Testing

@testable import SQLiteStore

@Suite struct HashTests {
    /// Computed by another program from the README's description: a stored chain must be read by every later version.
    @Test func `the hash of a line is the one that is documented`() {
        let zeros = [UInt8](repeating: 0, count: 32)
        let first = JournalHash.hash(
            previous: zeros, sequence: 1, at: 1_795_277_581_338_331, type: "signal.received", signalID: "sig-a", orderID: nil, account: nil,
            data: #"{"é":"1"}"#)
        #expect(StoredHash.hex(first) == "171d45b28594476fa3a13e9c17a70394ad97567b18e2073108826030b852aba4")
        let second = JournalHash.hash(
            previous: Array(0..<32), sequence: 12_345_678_901, at: -7, type: "order.queued", signalID: "sig-a", orderID: "ord-a", account: "a1",
            data: "{}")
        #expect(StoredHash.hex(second) == "08c02b0813f245e1301a8e04d9021fe368609a0e91936829cf2cf49f0dafae5c")
        let third = JournalHash.hash(previous: zeros, sequence: 10, at: 0, type: "t", signalID: nil, orderID: "", account: "a", data: "")
        #expect(StoredHash.hex(third) == "89d03ddf1390413459d31cfbbc4e72374bf8e264629f4c47771c05423c84c4e8")
    }

    @Test func `a hash is stored as its bytes and read as it was`() throws {
        let hex = "00ff0123456789abcdef" + String(repeating: "a9", count: 22)
        #expect(try StoredHash.bytes(hex).prefix(4) == [0x00, 0xFF, 0x01, 0x23])
        #expect(StoredHash.hex(try StoredHash.bytes(hex)) == hex)
    }

    @Test(arguments: [
        "", "a", String(repeating: "a", count: 63), String(repeating: "a", count: 65), String(repeating: "a", count: 63) + "g",
        "G" + String(repeating: "a", count: 63), String(repeating: "a", count: 62) + "A0", String(repeating: "a", count: 63) + "/",
        String(repeating: "a", count: 63) + ":", String(repeating: "a", count: 63) + "`", String(repeating: "a", count: 62) + "é",
    ])
    func `another spelling of a hash is refused, because two spellings of one key would be two keys`(_ text: String) {
        #expect(throws: (any Error).self) { try StoredHash.bytes(text) }
    }

    @Test(arguments: ["", "plain", "é😀", "a\"b\\c", "\n\r\t\u{0}\u{1F}", "\"", "\u{7F}"])
    func `a text in a line's data is read as it was`(_ text: String) throws {
        var data = JournalData()
        data.add("text", text)
        data.add("absent", nil as String?)
        data.add("number", -12)
        data.add("list", [text, "x"])
        #expect(try JSONDecoder().decode(Content.self, from: Data(data.json().utf8)) == Content(text: text, number: -12, list: [text, "x"]))
    }

    private struct Content: Decodable, Equatable {
        var text: String
        var number: Int
        var list: [String]
    }
}
