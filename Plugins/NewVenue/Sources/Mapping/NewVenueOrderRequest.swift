import AdapterKit
import BrokerContract
import TradingModel

/// An order in the venue's words, checked against everything that is known before a byte leaves.
struct NewVenueOrderRequest: Sendable {
    struct Refusal: Error {
        let reason: NotSentReason
        let message: String
    }

    let path: String
    let body: WireJSON

    init(_ order: NewOrder, instrument: Instrument) throws(Refusal) {
        try Self.checkCapabilities(order)
        try Self.checkRules(order, instrument)
        (path, body) = try Self.words(for: order)
    }

    /// Path and body of the placement. Prices and quantities go out by their `description`, which is exact.
    private static func words(for order: NewOrder) throws(Refusal) -> (String, WireJSON) {
        throw Refusal(reason: .unsupported, message: "place is not built yet")
    }

    /// The path of the cancel, by the id that the venue takes; nil as long as it is not built.
    static func cancelPath(_ order: OrderReference) -> String? {
        nil
    }

    // MARK: The same for every venue

    private static func checkCapabilities(_ order: NewOrder) throws(Refusal) {
        let capabilities = NewVenueDialect.capabilities
        let isKnown =
            capabilities.orderTypes.contains(order.type) && capabilities.timesInForce.contains(order.timeInForce)
            && (!order.postOnly || capabilities.canPostOnly) && (!order.reduceOnly || capabilities.canReduceOnly)
            && (order.bracket == nil || capabilities.canBracket)
        guard isKnown else { throw Refusal(reason: .unsupported, message: "\(order.type.rawValue) \(order.timeInForce.rawValue) with these flags") }
    }

    private static func checkRules(_ order: NewOrder, _ instrument: Instrument) throws(Refusal) {
        guard NewVenueDialect.semantics.clientOrderIDRules.accepts(order.clientOrderID) else {
            throw Refusal(reason: .invalid, message: "the venue does not take this client order id")
        }
        let isOnLot = instrument.lotSize.isZero || order.quantity.isMultiple(of: instrument.lotSize)
        guard isOnLot, order.quantity >= instrument.minimumQuantity else {
            throw Refusal(reason: .invalid, message: "quantity \(order.quantity) is not on the lot \(instrument.lotSize), or too small")
        }
        for price in [order.limitPrice, order.stopPrice].compactMap({ $0 }) {
            guard instrument.tickSize.isZero || price.isMultiple(of: instrument.tickSize) else {
                throw Refusal(reason: .invalid, message: "price \(price) is not on the tick \(instrument.tickSize)")
            }
        }
    }
}
