import TradingModel

extension VenueProfile {
    /// The terms of a simulated spot venue as all of ours have it: bitcoin at 60,000 with a tick of 0.01 and a lot of 0.00001, an
    /// account with 100,000 of quote currency at least, and a second symbol at 3,000.
    ///
    /// Lot and tick cut many values short that went through a binary fraction; those of ``awkward`` among them.
    public static func spot(
        name: String, symbol: Symbol, other: Symbol, operations: [VenueOperation: [RequestPattern]], secrets: [String] = []
    ) throws(DecimalError) -> VenueProfile {
        VenueProfile(
            name: name, symbol: symbol, other: (other, try Quantity("0.5"), 2000), marketPrice: 60000, quantity: try Quantity("0.02"),
            partialQuantity: try Quantity("0.005"), restingBuyPrice: 50000, crossingBuyPrice: 61000, stopBuyPrice: 65000,
            stopLimitBuyPrice: 65100, trailingDistance: 100, unaffordableQuantity: 100,
            awkward: [
                (try Quantity("0.1"), try Price("50000.1")), (try Quantity("0.00056"), try Price("32768.09")),
                (try Quantity("0.3"), try Price("33333.33")), (try Quantity("0.0006"), try Price("32768.63")),
                (try Quantity("1.00007"), try Price("45678.07")),
            ], offLotQuantity: try Quantity("0.020001"), offTickPrice: try Price("50000.001"), operations: operations, secrets: secrets)
    }
}
