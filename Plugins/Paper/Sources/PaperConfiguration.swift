import Foundation
import PluginSettings
import TradingModel

/// The keys of a paper account.
public struct PaperConfiguration: PluginConfiguration {
    /// What the account starts with; an asset that it has traded keeps its journaled balance instead.
    public var balances: [Asset: Quantity]
    /// What can be traded, at which price in quote currency.
    public var prices: [Symbol: Price]
    /// Part of what each trade receives, for example 0.001.
    public var fee: Quantity
    /// Rules of the symbols in `prices`.
    public var instruments: [Instrument]

    /// The prices of the simulators, for an account that states none.
    public static let defaultPrices: [Symbol: Price] = [
        "BTCUSDT": 60000, "ETHUSDT": 3000, "ETHBTC": Price(Decimal(sign: .plus, exponent: -2, significand: 5)),
    ]
    public static let defaultFee = Quantity(Decimal(sign: .plus, exponent: -3, significand: 1))
    public static let defaultBalances: [Asset: Quantity] = ["USDT": 100_000]

    public init(
        balances: [Asset: Quantity] = defaultBalances, prices: [Symbol: Price] = defaultPrices, fee: Quantity = defaultFee,
        instruments: [Instrument]? = nil
    ) {
        self.balances = balances
        self.prices = prices
        self.fee = fee
        self.instruments =
            instruments ?? prices.sorted { $0.key < $1.key }.compactMap { PaperRules.instrument($0.key, price: $0.value) }
    }

    public init(reading settings: SettingsReader) {
        var balances: [Asset: Quantity] = [:]
        for entry in settings.scalars("balances") {
            balances[Asset(entry.name)] = Self.amount(entry, settings, "balances", allowsZero: true)
        }
        var prices: [Symbol: Price] = [:]
        for entry in settings.scalars("prices") {
            prices[Symbol(entry.name)] = Self.amount(entry, settings, "prices", allowsZero: false)
        }
        if !settings.has("prices") { prices = Self.defaultPrices }
        var instruments: [Symbol: Instrument] = [:]
        settings.each("instruments") { name, reader in
            let symbol = Symbol(name)
            guard let price = prices[symbol] else { return reader.problem("\(reader.path) has no price: add it to prices") }
            instruments[symbol] = PaperRules.instrument(symbol, price: price, reading: reader)
        }
        for (symbol, price) in prices where instruments[symbol] == nil {
            if let instrument = PaperRules.instrument(symbol, price: price) {
                instruments[symbol] = instrument
            } else {
                settings.problem(
                    "\(symbol): base and quote are not told by the name; state them: instruments: { \(symbol): { base: …, quote: … } }",
                    at: settings.position(of: "prices"))
            }
        }
        let fee: Quantity = settings.decimal("fee") ?? Self.defaultFee
        if fee < 0 || fee >= 1 { settings.problem("fee must be from 0 to below 1", at: settings.position(of: "fee")) }
        self.init(
            balances: settings.has("balances") ? balances : Self.defaultBalances, prices: prices, fee: fee,
            instruments: instruments.values.sorted { $0.symbol < $1.symbol })
    }

    private static func amount<D: ExactDecimal>(
        _ entry: (name: String, text: String, position: SourcePosition), _ settings: SettingsReader, _ key: String, allowsZero: Bool
    ) -> D? {
        do {
            let value = try D(entry.text)
            if value > 0 || (allowsZero && value.isZero) { return value }
            settings.problem("\(key).\(entry.name) must be greater than zero", at: entry.position)
        } catch {
            settings.problem("\(key).\(entry.name): \(error)", at: entry.position)
        }
        return nil
    }
}
