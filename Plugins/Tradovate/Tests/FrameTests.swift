import AdapterKit
import Testing

@testable import Tradovate

/// The framing of the WebSocket, on samples of the vendor's guide.
@Suite struct FrameTests {
    @Test func `the four letters are told apart`() throws {
        #expect(try TradovateFrame("o") == .open)
        #expect(try TradovateFrame("h") == .heartbeat)
        #expect(try TradovateFrame("a[]") == .messages([]))
        #expect(try TradovateFrame(#"c[3000,"Go away!"]"#) == .close(code: 3000, reason: "Go away!"))
        #expect(try TradovateFrame("c") == .close(code: nil, reason: nil))
    }

    @Test func `one frame may carry several messages`() throws {
        let text = #"a[{"s":200,"i":0},{"i":1,"s":401,"d":"Access is denied"},{"e":"clock","d":"{}"},{"e":"shutdown","d":{"reasonCode":"Maintenance"}}]"#
        #expect(
            try TradovateFrame(text)
                == .messages([
                    .response(id: 0, status: 200, body: .null), .response(id: 1, status: 401, body: "Access is denied"), .other,
                    .shutdown("Maintenance"),
                ]))
    }

    @Test(arguments: [
        #"a[{"e":"props","d":{"entityType":"order","eventType":"Created","entity":{"id":7}}}]"#,
        #"a[{"e":"props","d":{"entityType":"Order","eventType":"Updated","entity":[{"id":7}]}}]"#,
        #"a[{"e":"props","d":[{"entityType":"order","eventType":"Created","entity":{"id":7}}]}]"#,
        #"a[{"e":"props","d":[{"entityType":"order","eventType":"Created","entity":[{"id":7}]},{"entityType":"order","eventType":"Deleted","entity":{"id":8}}]}]"#,
    ])
    func `every shape of an event is the same change`(_ text: String) throws {
        #expect(try TradovateFrame(text) == .messages([.changes([EntityChange(type: "order", entity: .object(["id": 7]))])]))
    }

    @Test(arguments: ["", "x", "a", "a{}", "a[", "a[{]", "[]"])
    func `what is no frame is an error`(_ text: String) {
        #expect(throws: (any Error).self) { try TradovateFrame(text) }
    }

    @Test func `a request has four lines, empty ones too`() {
        #expect(TradovateFrame.request("authorize", id: 1, body: "TOKEN") == "authorize\n1\n\nTOKEN")
        #expect(TradovateFrame.request("order/item", id: 4, query: "id=210518") == "order/item\n4\nid=210518\n")
    }

    @Test func `the lists of a snapshot are changes of the singular`() throws {
        let body = try WireJSON(parsing: #"{"orders":[{"id":1}],"commandReports":[{"id":2},{"id":3}],"users":[]}"#)
        #expect(EntityChange.all(inSnapshot: body).map(\.type) == ["order", "commandreport", "commandreport"])
    }

    @Test func `a number keeps its text`() throws {
        let text = #"{"price":21250.250000000000000001,"small":1e-8,"big":9007199254740993}"#
        let json = try WireJSON(parsing: text)
        #expect(json["price"]?.decimalText == "21250.250000000000000001")
        #expect(json["big"]?.integer == 9_007_199_254_740_993)
        #expect(json.text == text)
    }

    @Test(arguments: ["{", "[1,]", "01", "1.", "\"\u{1}\"", "nul", "{\"a\":1,}", "[1] 2", #""\ud800""#, "-"])
    func `what is no JSON is refused`(_ text: String) {
        #expect(throws: WireJSONError.self) { try WireJSON(parsing: text) }
    }
}
