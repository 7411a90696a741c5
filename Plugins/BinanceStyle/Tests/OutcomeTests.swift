import AdapterKit
import BrokerContract
import Testing
import TradingModel

@testable import BinanceStyle

/// What a reply to a command or a lookup is taken to prove.
@Suite struct OutcomeTests {
    private func place(_ status: Int, _ body: String) throws -> PlaceOutcome {
        BinanceOutcomes.place(reply(status, body), for: try BinanceOrderRequest(testOrder(), rules: testRules()))
    }

    private static func error(_ code: Int, _ message: String) -> String { "{\"code\":\(code),\"msg\":\"\(message)\"}" }

    @Test func `an accepted order comes with its report and its fills`() throws {
        let accepted = try #require(try place(200, BinanceFixtures.order(extra: BinanceFixtures.fills)).acceptance)
        #expect(accepted.report.venueOrderID == "70001")
        #expect(accepted.report.clientOrderID == "gw-01HF8Z-0007")
        #expect(accepted.report.status == .partiallyFilled)
        #expect(accepted.report.filledQuantity == (try Quantity("0.004")))
        #expect(accepted.report.averagePrice == (try Price("59990")))
        let fill = try #require(accepted.fills.first)
        #expect(fill.executionID == "BTCUSDT:555001")
        #expect(fill.fee == (try Notional("0.000004")))
        #expect(fill.feeAsset == "BNB")
    }

    @Test(arguments: ["EXPIRED", "EXPIRED_IN_MATCH"])
    func `an expired order with fills was accepted, and its fills count`(_ status: String) throws {
        let accepted = try #require(try place(200, BinanceFixtures.order(status: status, extra: BinanceFixtures.fills)).acceptance)
        #expect(accepted.report.status == .expired)
        #expect(accepted.fills.count == 1)
    }

    @Test func `a status that we do not know is kept and never terminal`() throws {
        let accepted = try #require(try place(200, BinanceFixtures.order(status: "TELEPORTED")).acceptance)
        #expect(accepted.report.status == .unrecognised)
        #expect(accepted.report.venueStatus == "TELEPORTED")
    }

    @Test(arguments: [
        BinanceFixtures.order(clientID: "someone-else"), BinanceFixtures.order(symbol: "ETHUSDT"), BinanceFixtures.order(side: "SELL"),
        BinanceFixtures.order(quantity: "0.02000000"), BinanceFixtures.order(executed: "0.02000000"),
    ])
    func `a reply about another order is a contradiction`(_ body: String) throws {
        #expect(try place(200, body).doubt == .contradiction)
    }

    @Test(arguments: [
        "", "{}", "[]", "<html>ok</html>", BinanceFixtures.acknowledgement, String(BinanceFixtures.order().dropLast(9)),
        BinanceFixtures.order(executed: "0.004x"), BinanceFixtures.order(side: "HOLD"),
    ])
    func `a success that cannot be read is unknown`(_ body: String) throws {
        #expect(try place(200, body).doubt == .unreadableReply)
    }

    @Test(arguments: [
        (400, -2010, "Account has insufficient balance for requested action.", RejectReason.insufficientFunds),
        (400, -2010, "Order would immediately match and take.", .postOnlyWouldTake),
        (400, -2010, "Order would trigger immediately.", .wouldTriggerImmediately),
        (400, -2010, "Stop price would trigger immediately.", .wouldTriggerImmediately),
        (400, -2010, "Market is closed.", .marketClosed), (400, -1013, "Market is closed.", .marketClosed),
        (400, -2010, "This action is disabled on this account.", .permissionDenied),
        (400, -2010, "Filter failure: MAX_POSITION", .positionLimit), (400, -2010, "Filter failure: MAX_NUM_ORDERS", .tooManyOpenOrders),
        (400, -1013, "Filter failure: PRICE_FILTER", .invalidPrice), (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE", .priceOutOfRange),
        (400, -1013, "Filter failure: LOT_SIZE", .invalidQuantity), (400, -1013, "Filter failure: MARKET_LOT_SIZE", .invalidQuantity),
        (400, -1013, "Filter failure: NOTIONAL", .belowMinimum), (400, -1013, "Filter failure: MIN_NOTIONAL", .belowMinimum),
        (400, -1013, "Filter failure: OF_TOMORROW", .invalidParameter),
        (400, -1021, "Timestamp for this request is outside of the recvWindow.", .requestExpired),
        (400, -1022, "Signature for this request is not valid.", .unauthenticated), (401, -2015, "Invalid API-key, IP, or permissions for action.", .unauthenticated),
        (429, -1015, "Too many new orders; current limit is 50 orders per 10 SECOND.", .rateLimited),
        (418, -1003, "Way too much request weight used; IP banned until 1763700000000.", .rateLimited),
        (400, -1121, "Invalid symbol.", .invalidSymbol), (400, -1111, "Parameter 'quantity' has too much precision.", .invalidParameter),
        (400, -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed.", .invalidParameter),
    ])
    func `a listed refusal is definitive`(_ status: Int, _ code: Int, _ message: String, _ reason: RejectReason) throws {
        let outcome = try place(status, Self.error(code, message))
        #expect(outcome.refusal == reason)
        #expect(outcome.evidence.venueCode == String(code))
        #expect(outcome.evidence.httpStatus == status)
    }

    @Test(arguments: [
        (400, error(-2010, "Duplicate order sent."), UnknownCause.unlistedRefusal),
        (400, error(-2010, "A sentence of tomorrow."), .unlistedRefusal), (400, error(-9999, "?"), .unlistedRefusal),
        (400, error(-1000, "An unknown error occurred while processing the request."), .unlistedRefusal),
        (400, error(-1006, "An unexpected response was received from the message bus. Execution status unknown."), .unlistedRefusal),
        (400, error(-1007, "Timeout waiting for response from backend server."), .unlistedRefusal),
        (400, "<html>Bad Request</html>", .unlistedRefusal), (409, error(-2021, "Order cancel-replace partially failed."), .unlistedRefusal),
        (500, error(-1001, "Internal error; unable to process your request."), .serverError),
        (503, error(-2010, "Account has insufficient balance for requested action."), .serverError), (502, "<html></html>", .serverError),
        (504, "", .serverError), (301, "", .unreadableReply), (307, "", .unreadableReply),
    ])
    func `whatever is not on the list is unknown`(_ status: Int, _ body: String, _ cause: UnknownCause) throws {
        #expect(try place(status, body).doubt == cause)
    }

    @Test func `no entry of the list matches a server error, and none is a duplicate`() {
        for entry in [BinanceRefusals.spot, .usdm].flatMap({ $0.place + $0.cancel + $0.amend }) {
            #expect(entry.httpStatus.map { (400..<500).contains($0) } == true)
            #expect(entry.reason != .duplicateClientOrderID)
        }
    }

    @Test func `a cancel is matched by the order's own id`() {
        guard case .cancelled(let report?, _) = BinanceOutcomes.cancel(reply(200, BinanceFixtures.cancelled), for: testReference) else {
            Issue.record("not cancelled")
            return
        }
        #expect(report.clientOrderID == "gw-01HF8Z-0007")
        #expect(report.status == .cancelled)
    }

    @Test func `an unknown order is not open, and a cancel in doubt is unknown`() {
        if case .notOpen = BinanceOutcomes.cancel(reply(400, Self.error(-2011, "Unknown order sent.")), for: testReference) {
        } else {
            Issue.record("not notOpen")
        }
        if case .unknown(.serverError, _) = BinanceOutcomes.cancel(reply(500, ""), for: testReference) {
        } else {
            Issue.record("not unknown")
        }
    }

    @Test func `only the venue's own word proves that an order was not found`() {
        if case .notFound(complete: true, _) = BinanceOutcomes.lookup(reply(400, Self.error(-2013, "Order does not exist.")), for: testReference) {
        } else {
            Issue.record("not notFound")
        }
        for answer in [
            reply(404, ""), reply(500, Self.error(-2013, "Order does not exist.")), reply(400, Self.error(-2026, "archived")), reply(200, "[]"),
            reply(429, ""), reply(200, BinanceFixtures.order(clientID: "other")),
        ] {
            if case .indeterminate = BinanceOutcomes.lookup(answer, for: testReference) {
            } else {
                Issue.record("status \(answer.status) proved something")
            }
        }
        if case .found(let report) = BinanceOutcomes.lookup(reply(200, BinanceFixtures.order()), for: testReference) {
            #expect(report.venueOrderID == "70001")
        } else {
            Issue.record("not found")
        }
    }
}
