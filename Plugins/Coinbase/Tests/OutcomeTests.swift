import AdapterKit
import BrokerContract
import Foundation
import Testing
import TradingModel

@testable import Coinbase

/// What a reply to a command or a lookup is taken to prove.
@Suite struct OutcomeTests {
    private func place(_ status: Int, _ body: String) -> PlaceOutcome? {
        if case .settled(let outcome) = CoinbaseOutcomes.place(reply(status, body), for: testReference.clientOrderID) { outcome } else { nil }
    }

    private func confirm(_ body: String, for order: NewOrder? = nil) throws -> PlaceOutcome {
        let row = try JSONDecoder().decode(CoinbaseOrderReply.self, from: Data(body.utf8))
        let request = try CoinbaseOrderRequest(order ?? testOrder(), product: testProduct())
        return CoinbaseOutcomes.confirm(row, for: request, Evidence(mayHaveLeft: true))
    }

    @Test func `success is a claim with an order id, and no outcome`() {
        guard case .taken(let id, _) = CoinbaseOutcomes.place(reply(200, CoinbaseFixtures.created), for: testReference.clientOrderID) else {
            Issue.record("settled by a success flag")
            return
        }
        #expect(id.rawValue == CoinbaseFixtures.orderID)
    }

    @Test func `a success for another client order id is a contradiction`() {
        let other = CoinbaseFixtures.created.replacing(CoinbaseFixtures.clientID, with: testID(1).rawValue)
        #expect(place(200, other)?.doubt == .contradiction)
    }

    @Test func `the order that is as it was asked for is accepted, and numbers may be written otherwise`() throws {
        let report = try #require(try confirm(CoinbaseFixtures.order()).acceptance)
        #expect(report.venueOrderID.rawValue == CoinbaseFixtures.orderID)
        #expect(report.status == .partiallyFilled)
        #expect(report.quantity == (try Quantity("0.001")))
        #expect(report.averagePrice == 60000)
    }

    @Test func `a product's other name is the same product`() throws {
        #expect(try confirm(CoinbaseFixtures.order(product: "BTC-USDC")).acceptance?.symbol == "BTC-USD")
    }

    @Test(arguments: [
        CoinbaseFixtures.order(clientID: "6f0c4a51-1d0a-4c5e-9a53-000000000000"), CoinbaseFixtures.order(product: "ETH-USD"),
        CoinbaseFixtures.order(side: "SELL"),
        CoinbaseFixtures.order(configuration: #"{"limit_limit_gtc":{"base_size":"0.002","limit_price":"60000"}}"#),
        CoinbaseFixtures.order(configuration: #"{"limit_limit_gtc":{"base_size":"0.001","limit_price":"59999.99"}}"#),
        CoinbaseFixtures.order(configuration: #"{"limit_limit_gtc":{"base_size":"0.001","limit_price":"60000","post_only":true}}"#),
        CoinbaseFixtures.order(configuration: #"{"market_market_ioc":{"base_size":"0.001"}}"#), CoinbaseFixtures.order(filled: "0.002"),
    ])
    func `an order that is another one is a contradiction`(_ body: String) throws {
        #expect(try confirm(body).doubt == .contradiction)
    }

    @Test(arguments: [CoinbaseFixtures.order(side: "HOLD"), CoinbaseFixtures.order(filled: "0.1x")])
    func `an order that cannot be read is unknown`(_ body: String) throws {
        #expect(try confirm(body).doubt == .unreadableReply)
    }

    @Test(arguments: ["", "{}", "[]", "<html>ok</html>", #"{"success":true}"#, #"{"success":true,"success_response":{"order_id":""}}"#])
    func `a success that names no order is unknown`(_ body: String) {
        #expect(place(200, body)?.doubt == .unreadableReply)
    }

    @Test(arguments: [
        (200, CoinbaseFixtures.refused("INSUFFICIENT_FUND", preview: "PREVIEW_INSUFFICIENT_FUND"), RejectReason.insufficientFunds),
        (200, CoinbaseFixtures.refused("UNKNOWN_FAILURE_REASON", preview: "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE"), .wouldTriggerImmediately),
        (200, CoinbaseFixtures.refused("UNKNOWN_FAILURE_REASON", preview: "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"), .belowMinimum),
        (200, CoinbaseFixtures.refused("UNSUPPORTED_ORDER_CONFIGURATION", message: "source is not enabled for trading"), .unsupported),
        (200, #"{"success":false,"error_response":{"error":"INVALID_LIMIT_PRICE_POST_ONLY"}}"#, .postOnlyWouldTake),
        (200, CoinbaseFixtures.refused("INVALID_PRODUCT_ID"), .invalidSymbol), (200, CoinbaseFixtures.refused("INVALID_SIZE_PRECISION"), .invalidQuantity),
        (200, CoinbaseFixtures.refused("PRODUCT_TRADING_HALTED"), .marketClosed), (200, CoinbaseFixtures.refused("GEOFENCING_RESTRICTION"), .permissionDenied),
        (401, "Unauthorized\n", .unauthenticated),
        (403, #"{"error":"PERMISSION_DENIED","error_details":"Missing required scopes","message":"Missing required scopes"}"#, .permissionDenied),
        (429, #"{"errors":[{"id":"rate_limit_exceeded","message":"Too many requests"}]}"#, .rateLimited),
        (400, #"{"error":"INVALID_ARGUMENT","error_details":"x","message":"x","code":3,"details":[]}"#, .invalidParameter),
    ])
    func `a listed refusal is definitive`(_ status: Int, _ body: String, _ reason: RejectReason) {
        let outcome = place(status, body)
        #expect(outcome?.refusal == reason)
        #expect(outcome?.evidence.httpStatus == status)
    }

    @Test(arguments: [
        (200, CoinbaseFixtures.refused("DUPLICATE_CLIENT_ORDER_ID"), UnknownCause.unlistedRefusal),
        (200, CoinbaseFixtures.refused("UNKNOWN_FAILURE_REASON"), .unlistedRefusal), (200, CoinbaseFixtures.refused("RISK_PROXY_FAILURE"), .unlistedRefusal),
        (200, CoinbaseFixtures.refused("A_REASON_OF_TOMORROW"), .unlistedRefusal), (200, #"{"success":false}"#, .unlistedRefusal),
        (400, "Bad Request", .unlistedRefusal), (400, #"{"error":"unknown"}"#, .unlistedRefusal), (403, "<html>blocked</html>", .unlistedRefusal),
        (404, "", .unlistedRefusal), (409, CoinbaseFixtures.refused("INSUFFICIENT_FUND"), .unlistedRefusal),
        (500, #"{"errors":[{"id":"internal_server_error","message":"x"}]}"#, .serverError), (503, "", .serverError),
        (502, CoinbaseFixtures.refused("INSUFFICIENT_FUND"), .serverError), (307, "", .unreadableReply),
    ])
    func `whatever is not on the list is unknown`(_ status: Int, _ body: String, _ cause: UnknownCause) {
        #expect(place(status, body)?.doubt == cause)
    }

    @Test func `no entry of the lists matches a server error, and none is a duplicate`() {
        for entry in CoinbaseRefusals.place + CoinbaseRefusals.edit + CoinbaseRefusals.cancel {
            #expect(entry.httpStatus.map { $0 == 200 || (400..<500).contains($0) } == true)
            #expect(entry.reason != .duplicateClientOrderID && entry.code?.contains("DUPLICATE") != true)
        }
    }

    @Test func `a cancel is requested, not done, and only of the order that was meant`() {
        let id = VenueOrderID(CoinbaseFixtures.orderID)
        func cancel(_ success: Bool, _ reason: String, order: String = CoinbaseFixtures.orderID) -> CancelOutcome {
            CoinbaseOutcomes.cancel(reply(200, #"{"results":[{"success":\#(success),"failure_reason":"\#(reason)","order_id":"\#(order)"}]}"#), of: id)
        }
        if case .requested = cancel(true, "UNKNOWN_CANCEL_FAILURE_REASON") {} else { Issue.record("not requested") }
        if case .requested = cancel(false, "DUPLICATE_CANCEL_REQUEST") {} else { Issue.record("not requested") }
        for reason in ["UNKNOWN_CANCEL_ORDER", "ORDER_IS_FULLY_FILLED"] {
            if case .notOpen = cancel(false, reason) {} else { Issue.record("\(reason) is not notOpen") }
        }
        if case .refused(.permissionDenied, _) = cancel(false, "NOT_ALLOWED_TO_CANCEL") {} else { Issue.record("not refused") }
        if case .unknown(.unlistedRefusal, _) = cancel(false, "UNKNOWN_CANCEL_FAILURE_REASON") {} else { Issue.record("not unknown") }
        if case .unknown(.contradiction, _) = cancel(true, "", order: "other") {} else { Issue.record("not a contradiction") }
        if case .unknown(.serverError, _) = CoinbaseOutcomes.cancel(reply(502, ""), of: id) {} else { Issue.record("not unknown") }
    }

    @Test(arguments: [
        #"{"success":false,"errors":[{"edit_failure_reason":"ONLY_OPEN_ORDERS_CAN_BE_EDITED"}]}"#,
        #"{"success":false,"errors":{"edit_failure_reason":"ORDER_NOT_FOUND"}}"#,
        #"{"success":false,"error_response":{"edit_order_failure_reason":"ONLY_OPEN_ORDERS_CAN_BE_EDITED"}}"#,
    ])
    func `an edit's reason is found in each of its places`(_ body: String) {
        if case .settled(.notOpen) = CoinbaseOutcomes.edit(reply(200, body), of: "x") {} else { Issue.record("not notOpen") }
    }

    @Test func `only the venue's own words prove that an order id was not found`() {
        let missing = #"{"error":"unknown","error_details":"order with this orderID was not found","message":"order with this orderID was not found"}"#
        if case .notFound = CoinbaseOutcomes.order(reply(404, missing), id: "x") {} else { Issue.record("not notFound") }
        for answer in [reply(404, ""), reply(500, missing), reply(401, "Unauthorized"), reply(200, "{}"), reply(429, "")] {
            if case .unclear = CoinbaseOutcomes.order(answer, id: "x") {} else { Issue.record("status \(answer.status) proved something") }
        }
        let other = reply(200, "{\"order\":\(CoinbaseFixtures.order(orderID: "other"))}")
        if case .unclear(.contradiction, _) = CoinbaseOutcomes.order(other, id: "x") {} else { Issue.record("another order was taken") }
    }
}
