import AdapterKit
import BrokerContract
import Foundation
import TradingModel

@testable import BinanceStyle

let testReference = OrderReference(symbol: "BTCUSDT", clientOrderID: "gw-01HF8Z-0007", venueOrderID: nil)

func testInstrument() throws -> Instrument {
    let info = try JSONDecoder().decode(BinanceExchangeInfoReply.self, from: Data(BinanceFixtures.exchangeInfo.utf8))
    guard let symbol = info.symbols.first else { throw BinanceMappingError("no symbol in the fixture") }
    return try symbol.instrument()
}

/// As a symbol that takes every kind of list and amendment.
func testRules() throws -> BinanceSymbolRules {
    BinanceSymbolRules(instrument: try testInstrument(), takesPairs: true, takesAttached: true, takesAmendments: true, takesReplacements: true)
}

func testOrder(
    _ type: OrderType = .limit, side: Side = .buy, quantity: String = "0.01", limit: String? = "60000", stop: String? = nil,
    timeInForce: TimeInForce = .gtc, postOnly: Bool = false, reduceOnly: Bool = false, id: ClientOrderID = "gw-01HF8Z-0007",
    bracket: Bracket? = nil
) throws -> NewOrder {
    try NewOrder(
        clientOrderID: id, symbol: "BTCUSDT", side: side, type: type, quantity: try Quantity(quantity),
        limitPrice: try limit.map { try Price($0) }, stopPrice: try stop.map { try Price($0) }, timeInForce: timeInForce,
        postOnly: postOnly, reduceOnly: reduceOnly, bracket: bracket)
}

func reply(_ status: Int, _ body: String, headers: [(name: String, value: String)] = []) -> VenueReply {
    VenueReply(status: status, headers: headers, body: Array(body.utf8))
}

extension PlaceOutcome {
    var refusal: RejectReason? { if case .refused(let reason, _) = self { reason } else { nil } }
    var doubt: UnknownCause? { if case .unknown(let cause, _) = self { cause } else { nil } }
    var acceptance: (report: OrderReport, fills: [Fill])? {
        if case .accepted(let report, let fills, _) = self { (report, fills) } else { nil }
    }
    var notSentReason: NotSentReason? { if case .notSent(let reason, _) = self { reason } else { nil } }
}
