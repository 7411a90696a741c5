import AdapterKit
import TradingModel

@testable import Tradovate

/// Entities as the venue writes them. Source: OpenAPI document of partner.tradovate.com, snapshot of 2026-08-21; values are ours.
enum Fixtures {
    static let contract = #"{"id":560901,"name":"MNQZ6","contractMaturityId":50801}"#
    static let maturity =
        #"{"id":50801,"productId":772,"expirationMonth":202612,"expirationDate":"2026-12-18T14:30:00.000Z","firstIntentDate":"2026-12-18T14:30:00.000Z","isFront":true}"#
    static let product =
        #"{"id":772,"name":"MNQ","currencyId":1,"productType":"Futures","description":"Micro E-mini Nasdaq-100","exchangeId":1,"contractGroupId":22,"status":"Verified","months":"HMUZ","isSecured":false,"valuePerPoint":2.0,"priceFormatType":"Decimal","priceFormat":2,"tickSize":0.25}"#

    static func order(_ status: String = "Working") -> String {
        #"{"id":210518,"accountId":25,"contractId":560901,"timestamp":"2026-11-20T15:00:00.000Z","action":"Buy","ordStatus":"\#(status)","executionProviderId":1,"admin":false}"#
    }
    static func version(_ id: Int = 210518, quantity: Int = 2, price: String = "21250.25", text: String = "gw-0001") -> String {
        #"{"id":\#(id),"orderId":210518,"orderQty":\#(quantity),"orderType":"Limit","price":\#(price),"timeInForce":"GTC","text":"\#(text)"}"#
    }
    static func command(_ id: Int = 210518, type: String = "New", status: String = "AtExecution") -> String {
        #"{"id":\#(id),"orderId":210518,"timestamp":"2026-11-20T15:00:00.000Z","clOrdId":"gw-0001","commandType":"\#(type)","commandStatus":"\#(status)","senderId":15460,"userSessionId":331,"isAutomated":true}"#
    }
    static func report(_ command: Int = 210518, status: String = "RiskRejected", reason: String = "UnknownReason", text: String) -> String {
        #"{"id":210519,"commandId":\#(command),"timestamp":"2026-11-20T15:00:00.000Z","commandStatus":"\#(status)","rejectReason":"\#(reason)","text":"\#(text)","ordStatus":"Rejected"}"#
    }
    static func execution(_ command: Int = 210518, type: String = "Trade", cumulative: Int = 1) -> String {
        #"{"id":210550,"commandId":\#(command),"name":"210550","accountId":25,"contractId":560901,"timestamp":"2026-11-20T15:00:00.090Z","tradeDate":{"year":2026,"month":11,"day":20},"orderId":210518,"execType":"\#(type)","ordStatus":"Working","action":"Buy","cumQty":\#(cumulative),"avgPx":21250.25,"lastQty":1,"lastPx":21250.25,"exchangeOrderId":"7788"}"#
    }
    static func fill(_ id: Int = 210551, quantity: Int = 1, price: String = "21250.25", active: Bool = true) -> String {
        #"{"id":\#(id),"orderId":210518,"contractId":560901,"timestamp":"2026-11-20T15:00:00.090Z","tradeDate":{"year":2026,"month":11,"day":20},"action":"Buy","qty":\#(quantity),"price":\#(price),"active":\#(active),"finallyPaired":0}"#
    }
    static let fee =
        #"{"id":210551,"clearingFee":0.0,"exchangeFee":0.35,"nfaFee":0.02,"brokerageFee":0.0,"ipFee":0.0,"commission":0.39,"orderRoutingFee":0.0}"#

    static func listing() throws -> Listing {
        Listing(
            contract: try TradovateContract(WireJSON(parsing: contract)), maturity: try TradovateMaturity(WireJSON(parsing: maturity)),
            product: try TradovateProduct(WireJSON(parsing: product)))
    }

    static func account() throws -> TradovateAccount { try TradovateAccount(WireJSON(parsing: #"{"id":25,"name":"DEMO25"}"#)) }

    /// A book that was told these entities, each as kind and JSON.
    static func book(_ entities: [(String, String)]) throws -> EntityBook {
        var book = EntityBook()
        for (type, text) in entities { _ = try book.apply(EntityChange(type: type, entity: try WireJSON(parsing: text))) }
        return book
    }
}
