import TradingModel

/// A contract with its maturity and its product: everything that its rules need.
struct Listing: Sendable, Hashable {
    let contract: TradovateContract
    let maturity: TradovateMaturity
    let product: TradovateProduct

    var name: Symbol { Symbol(contract.name) }
    var currency: Asset { product.currencyID == 1 ? "USD" : Asset("CURRENCY-\(product.currencyID)") }

    /// The rules, under the symbol by which the contract was asked for.
    func instrument(as symbol: Symbol, at now: Timestamp) -> Instrument {
        Instrument(
            symbol: symbol, base: Asset(contract.name), quote: currency, tickSize: product.tickSize, lotSize: 1, minimumQuantity: 1,
            contractMultiplier: product.valuePerPoint, orderTypes: TradovateDialect.capabilities.orderTypes,
            isTrading: ["Verified", "ReadyToTrade"].contains(product.status) && maturity.expiration > now)
    }

    /// The venue writes binary numbers: one that misses its tick by a hundredth of it or less is meant to be on it.
    func snapped(_ price: Price) -> Price {
        let onTick = price.rounded(.nearest, to: product.tickSize)
        return Price((price - onTick).magnitude.value * 100) <= product.tickSize ? onTick : price
    }
}
