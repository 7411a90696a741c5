import Foundation
import StoreContract
import TradingModel

/// Positions from fills, and from nothing else.
public enum PositionLedger {
    /// The position after one fill. Average cost; what crosses zero opens at the fill's price.
    ///
    /// A fee taken in the base asset makes the holding smaller; it changes neither the average price nor the profit.
    public static func apply(_ fill: Fill, to position: PositionRecord?, account: AccountID, base: Asset?, at now: Timestamp) -> PositionRecord {
        let held = position?.quantity ?? .zero
        let average = position?.averagePrice ?? .zero
        var profit = position?.realizedProfit ?? .zero
        let change = fill.side == .buy ? fill.quantity : -fill.quantity
        var quantity = held + change
        var newAverage = average
        if held.isZero || held.value.sign == change.value.sign {
            let cost = held.magnitude * average + change.magnitude * fill.price
            newAverage = cost / quantity.magnitude ?? fill.price
        } else {
            let closed = min(held.magnitude, change.magnitude)
            let gain = closed * Price(fill.price.value - average.value)
            let sum = profit + (held > 0 ? gain : -gain)
            // The average may have no end, so the profit is kept to what can be read again.
            profit = sum.value.readable.map { Notional($0) } ?? profit
            if change.magnitude > held.magnitude { newAverage = fill.price }
        }
        if let fee = fill.fee, let base, fill.feeAsset == base { quantity -= Quantity(fee.value) }
        return PositionRecord(
            account: account, symbol: fill.symbol, quantity: quantity, averagePrice: quantity.isZero ? nil : newAverage,
            realizedProfit: profit, updatedAt: now)
    }
}
