import AdapterKit
import BrokerContract
import Testing
import TradingModel

@testable import Tradovate

/// What a reply to a command is taken to prove.
@Suite struct OutcomeTests {
    private func read(_ status: Int, _ body: String) -> TradovateReply { TradovateReply(VenueReply(status: status, body: Array(body.utf8))) }

    private func place(_ status: Int, _ body: String) throws -> PlaceOutcome {
        let request = try TradovateOrderRequest(testOrder(limit: 21250), listing: Fixtures.listing(), account: Fixtures.account())
        return TradovateOutcomes.place(read(status, body), for: request, at: Timestamp(milliseconds: 1))
    }

    private static func failure(_ reason: String, _ text: String = "words") -> String { #"{"failureReason":"\#(reason)","failureText":"\#(text)"}"# }

    @Test(arguments: [#"{"orderId":210518}"#, #"{"orderId":210518,"failureReason":"Success"}"#, #"{"orderId":210518,"oso1Id":210519}"#])
    func `an id is the order, not yet its acceptance`(_ body: String) throws {
        let report = try #require(try place(200, body).acceptance)
        #expect(report.venueOrderID == "210518" && report.status == .pendingNew && report.clientOrderID == "gw-0001")
    }

    @Test(arguments: [
        ("InvalidContract", RejectReason.invalidSymbol), ("InvalidPrice", .invalidPrice), ("MaxOrderQtyLimitReached", .aboveMaximum),
        ("LiquidationOnly", .permissionDenied), ("SessionClosed", .marketClosed), ("NoQuote", .noLiquidity), ("Unsupported", .unsupported),
        ("ExecutionProviderUnavailable", .venueUnavailable), ("MaxTotalPosLimitReached", .positionLimit),
    ])
    func `a listed reason is a definitive refusal, although the status is 200`(_ reason: String, _ expected: RejectReason) throws {
        let outcome = try place(200, Self.failure(reason))
        #expect(outcome.refusal == expected && outcome.evidence.venueCode == reason && outcome.evidence.message == "words")
    }

    @Test func `of a closing an id is the command taken, a listed reason a refusal, and both at once or neither prove nothing`() throws {
        guard case .requested("210540", _) = TradovateOutcomes.close(read(200, #"{"orderId":210540}"#)) else {
            Issue.record("an order id was not read")
            return
        }
        guard case .refused(.permissionDenied, _) = TradovateOutcomes.close(read(200, Self.failure("TradingLocked"))) else {
            Issue.record("a listed reason was not read")
            return
        }
        for (status, body) in [
            (200, #"{"orderId":210540,"failureReason":"UnknownReason"}"#), (200, "{}"), (200, "no position"), (200, Self.failure("OfTomorrow")),
            (200, Self.failure("RiskCheckTimeout")), (408, ""), (502, ""),
        ] {
            guard case .unknown = TradovateOutcomes.close(read(status, body)) else {
                Issue.record("\(status) \(body) was taken to prove something")
                continue
            }
        }
    }

    @Test func `free text tells margin and permission`() throws {
        #expect(try place(200, Self.failure("UnknownReason", "Access is denied")).refusal == .permissionDenied)
        #expect(try place(200, Self.failure("UnknownReason", "Insufficient Margin for this order")).refusal == .insufficientFunds)
        #expect(try place(200, Self.failure("UnknownReason", "Something else")).refusal == .other("UnknownReason Something else"))
    }

    @Test(arguments: [
        (200, #"{"violations":[{"constraint":"accountSpec","value":"","description":"Account should be specified"}]}"#, RejectReason.invalidParameter),
        (200, #"{"p-ticket":"t","p-time":15,"p-captcha":false}"#, .rateLimited), (400, "malformed", .invalidParameter), (401, "Access is denied", .unauthenticated),
        (429, "", .rateLimited), (423, "", .rateLimited),
    ])
    func `what never reached the order logic is refused`(_ status: Int, _ body: String, _ expected: RejectReason) throws {
        #expect(try place(status, body).refusal == expected)
    }

    @Test(arguments: [
        (200, failure("RiskCheckTimeout"), UnknownCause.unlistedRefusal), (200, failure("OfTomorrow"), .unlistedRefusal),
        (200, #"{"errorText":"something"}"#, .unlistedRefusal), (200, "{}", .unreadableReply), (200, "", .unreadableReply),
        (200, "<html>ok</html>", .unreadableReply), (200, "[]", .unreadableReply), (200, #"{"orderId":"x"}"#, .unreadableReply),
        (200, #"{"failureReason":"Success"}"#, .unreadableReply), (200, #"{"orderId":1,"failureReason":"InvalidPrice"}"#, .contradiction),
        (404, "Not found", .unlistedRefusal), (403, "", .unlistedRefusal), (408, "", .unlistedRefusal), (500, failure("InvalidPrice"), .serverError),
        (502, "<html>", .serverError), (504, "", .serverError), (307, "", .unreadableReply), (204, "", .unreadableReply),
    ])
    func `whatever is not on the list is unknown`(_ status: Int, _ body: String, _ cause: UnknownCause) throws {
        let outcome = try place(status, body)
        #expect(outcome.doubt == cause, "\(outcome)")
    }

    @Test func `a cancel is requested, too late, refused or unknown`() {
        func kind(_ status: Int, _ body: String) -> String { String("\(TradovateOutcomes.cancel(read(status, body)))".prefix { $0 != "(" }) }
        #expect(kind(200, #"{"commandId":7}"#) == "requested")
        #expect(kind(200, Self.failure("TooLate")) == "notOpen")
        #expect(kind(200, Self.failure("AnotherCommandPending")) == "refused")
        #expect(kind(429, "") == "refused")
        #expect(kind(200, Self.failure("RiskCheckTimeout")) == "unknown")
        #expect(kind(404, "") == "unknown")
        #expect(kind(500, #"{"commandId":7}"#) == "unknown")
    }
}
