import Foundation
import TradingModel

/// What clauses may trade at a venue whose price nobody here makes.
public struct TradingTerms: Sendable {
    public let symbol: Symbol
    /// About the market's price now.
    public let price: Price
    /// Of an ordinary order; a market order of it is paid for.
    public let quantity: Quantity

    public init(symbol: Symbol, price: Price, quantity: Quantity) {
        self.symbol = symbol
        self.price = price
        self.quantity = quantity
    }
}

extension VenueProfile {
    /// The same wire, with the symbol of another place and, where orders are sent, prices around its market.
    public func at(_ symbol: Symbol, terms: TradingTerms?) -> VenueProfile {
        var profile = self
        profile.symbol = symbol
        profile.other = nil
        profile.unaffordableQuantity = nil
        profile.awkward = []
        profile.offLotQuantity = nil
        profile.offTickPrice = nil
        profile.secrets = []
        guard let terms else { return profile }
        // Whole percents of a price that lies on a coarse tick lie on a tick ten times finer; steps are cut to that of the price.
        let step = Price(terms.price.value.ulpOfText)
        let around = { (percent: Int) in Price(terms.price.value * Decimal(percent) / 100).rounded(.down, to: step) }
        profile.marketPrice = terms.price
        profile.quantity = terms.quantity
        profile.partialQuantity = terms.quantity
        profile.restingBuyPrice = around(90)
        profile.crossingBuyPrice = around(102)
        profile.stopBuyPrice = around(105)
        profile.stopLimitBuyPrice = around(106)
        profile.trailingDistance = around(2)
        return profile
    }
}

extension Decimal {
    /// One unit of the last written digit: 0.01 for 60000.25, 1 for 60000.
    fileprivate var ulpOfText: Decimal { Decimal(sign: .plus, exponent: Swift.min(0, exponent), significand: 1) }
}
