import StoreContract
import Testing
import TradingModel

@testable import turnstile

/// What `turnstile explain` makes of the audit chain's lines.
@Suite struct StoryTests {
    private func story(_ lines: [(type: String, data: String)], status: String = "queued", terminal: Bool = false) throws -> [String] {
        let journal = lines.enumerated().map { index, line in
            #"{"at":"2026-11-21T06:00:0\#(index + 1).250000Z","type":"\#(line.type)","order_id":"O1","data":\#(line.data)}"#
        }
        let body = """
            {"id":"S1","source":"tv","verdict":"accepted","received_at":"2026-11-21T06:00:00.000000Z","client_address":"203.0.113.7","request_id":"r","strategy":"trend",
             "copies":1,"journal":[\(journal.joined(separator: ","))],
             "orders":[{"id":"O1","signal_id":"S1","account":"spot1","strategy":"trend","symbol":"BTCUSDT","side":"buy","type":"market","quantity":"0.5",
              "filled_quantity":"0.2","average_price":"101","status":"\(status)","reason":"why","detail":"in words","role":null,"venue_order_id":"V1","terminal":\(terminal)}]}
            """
        return try Story(decoding: body).text(only: "O1").split(separator: "\n").map(String.init)
    }

    @Test(arguments: OrderState.allCases)
    func `every state is told, with its reason, when it came and whether it is the end`(_ state: OrderState) throws {
        let lines = try story([("order.\(state.rawValue)", #"{"status":"\#(state.rawValue)","reason":"venue_word","detail":"said so","attempt":2,"quantity":"0.5"}"#)], status: state.rawValue, terminal: state.isTerminal)
        let told = try #require(lines.first { $0.contains("+1.250 s") })
        // The two that every order passes have no reason to tell.
        let wanted = state == .queued ? "waits for its turn" : state == .permitted ? "attempt 2" : "(venue_word: said so)"
        #expect(told.contains(wanted), "\(told)")
        let end = try #require(lines.last)
        #expect(end.contains("now: \(state.rawValue), 0.2 of 0.5 filled at 101 (why: in words)"))
        #expect(end.hasSuffix("not ended") == !state.isTerminal)
    }

    @Test func `states are told apart`() throws {
        let sentences = try OrderState.allCases.map { state in
            try story([("order.\(state.rawValue)", "{}")]).first { $0.contains("+1.250 s") } ?? ""
        }
        #expect(Set(sentences).count == OrderState.allCases.count)
    }

    @Test func `fills, evidence, refusals and a person's decision are told with what they rest on`() throws {
        let text = try story([
            ("order.fill", #"{"fill":{"quantity":"0.2","price":"101","execution_id":"E7","fee":"0.01","fee_asset":"USDT"}}"#),
            ("order.resolved", #"{"was":"unknown","status":"accepted"}"#), ("order.illegal_move", #"{"refused_status":"accepted","status":"filled"}"#),
            ("order.decided", #"{"decision":"abandon","actor":"ada","why":"not there","venue_answer":"not found"}"#),
            ("order.dead_letter", #"{"crashes":5}"#),
        ]).joined(separator: "\n")
        for part in [
            "filled 0.2 at 101 (execution E7), fee 0.01 USDT", "it was unknown and is accepted", "evidence asked for accepted and was refused: not allowed from filled",
            "ada decided: abandon (not there); the venue said: not found", "gateways died at it 5 times", "it came 1 more time;",
        ] { #expect(text.contains(part), "\(part) in\n\(text)") }
    }
}
