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

    /// What taking a fill back makes of the position: an audited correction, with an alert.
    ///
    /// The quantity changes by the fill and nothing else. Average price and profit become what the ledger would say without the fill, as far
    /// as it agrees with the position as it stands.
    public static func takeBack(_ history: FillHistory, by who: String, reason: String, base: Asset?, at now: Timestamp) -> FillCorrection {
        let order = history.order
        let fill = history.fill
        func replay(_ fills: [Fill]) -> PositionRecord? {
            fills.reduce(nil) { apply($1, to: $0, account: order.account, base: base, at: now) }
        }
        let with = replay(history.fills)
        let without = replay(history.fills.filter { $0.executionID != fill.executionID })
        var position =
            history.position
            ?? PositionRecord(account: order.account, symbol: order.symbol, quantity: .zero, averagePrice: nil, realizedProfit: .zero, updatedAt: now)
        let before = position.quantity
        position.quantity = before - (with?.quantity ?? .zero) + (without?.quantity ?? .zero)
        position.realizedProfit = position.realizedProfit - (with?.realizedProfit ?? .zero) + (without?.realizedProfit ?? .zero)
        if position.quantity.isZero {
            position.averagePrice = nil
        } else if position.quantity == without?.quantity {
            position.averagePrice = without?.averagePrice
        } else {
            position.averagePrice = position.averagePrice ?? fill.price
        }
        position.updatedAt = now
        let what = "fill \(fill.executionID) of order \(order.id) (\(fill.side.rawValue) \(fill.quantity) at \(fill.price)) was taken back"
        let audited: [JSONValue.Member] = [
            .init("execution_id", .string(fill.executionID.rawValue)), .init("actor", .string(who)), .init("why", .string(reason)),
            .init("position_before", .string(before.description)), .init("position_after", .string(position.quantity.description)),
        ]
        return FillCorrection(
            position: position, journal: [OrderJournal.line(order, type: "position.corrected", extra: audited)],
            alerts: [
                AlertDraft(
                    type: "position_corrected", severity: .high, subject: "order:\(order.id)",
                    message: "\(order.account) \(order.symbol): \(what) (\(reason)); the position went from \(before) to \(position.quantity)")
            ])
    }
}
