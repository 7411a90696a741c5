import BrokerContract
import ExchangeContract
import OrderFlow
import TradingModel

/// What an account is worth in one instrument's quote currency, by the venue's own balances, asked right before an order that is sized by it.
enum EquityReading {
    /// Free and reserved balances of the quote asset, and those of the base asset at the order's price. Other assets do not count: no
    /// price is known for them here.
    static func read(_ broker: any Broker, _ instrument: Instrument?, _ price: Price?) async -> Equity {
        guard let exchange = broker as? any Exchange else { return .unsupported }
        guard let instrument, let price else { return .unknown("no instrument rules or no price") }
        do {
            var worth = Notional.zero
            for balance in try await exchange.balances() {
                let total = balance.available + balance.locked
                if balance.asset == instrument.quote { worth += Notional(total.value) }
                if balance.asset == instrument.base { worth += total * price }
            }
            return .known(worth)
        } catch {
            return .unknown("\(error)")
        }
    }
}
