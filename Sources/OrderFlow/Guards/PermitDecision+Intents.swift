import BrokerContract
import Foundation
import StoreContract
import TradingModel

/// What an account is worth, as far as it is known when an order is to be sent.
public enum Equity: Sendable, Hashable {
    /// In the instrument's quote currency, with what is held of its base at the order's price.
    case known(Notional)
    /// The venue did not say now.
    case unknown(String)
    /// The adapter cannot tell it.
    case unsupported
}

/// What an order's intent means for its side and quantity, on the position as it is in the permit's transaction.
extension PermitDecision {
    enum Size {
        case quantity(Quantity)
        case none(PermitVerdict)
    }

    /// Why an order that comes after another one of its signal cannot go now; nil if it can.
    func predecessor(_ facts: PermitFacts) -> PermitVerdict? {
        guard let before = facts.predecessor else { return nil }
        guard before.state.isTerminal else { return .wait(reason: "after_close") }
        let held = facts.position?.quantity ?? .zero
        guard facts.order.side == .buy ? held < 0 : held > 0 else { return nil }
        return .close(
            .skipped, reason: "close_not_filled",
            detail: "order \(before.id), which was to leave the position first, ended \(before.state.rawValue), and \(held) is held")
    }

    /// As much as the order's sizing asks for, before the instrument's steps.
    func wanted(_ order: OrderRecord, _ instrument: Instrument) -> Size {
        if let quantity = order.quantity { return .quantity(quantity) }
        guard let amount = order.intent?.amount else { return .quantity(order.requestedQuantity) }
        guard let price = order.limitPrice ?? order.referencePrice, price > 0 else {
            return .none(.close(.blocked, reason: "price_missing", detail: "the order is sized in money, and no price says how much that is"))
        }
        let money: Notional
        switch amount {
        case .quote(let notional): money = notional
        case .equityPercent(let percent):
            switch equity {
            case .known(let equity): money = Notional(equity.value * percent.value / 100)
            case .unknown: return .none(.wait(reason: "equity_unknown"))
            case .unsupported:
                return .none(.close(.blocked, reason: "equity_unsupported", detail: "this account's broker does not tell what the account is worth"))
            }
        }
        let unit = instrument.contractMultiplier > 0 ? Price(price.value * instrument.contractMultiplier.value) : price
        guard let quantity = money / unit, quantity > 0 else {
            return .none(.close(.blocked, reason: "below_minimum", detail: "\(money) buys nothing at \(price)"))
        }
        return .quantity(quantity)
    }

    /// The greater part of a target: what is missing to it.
    func increase(_ facts: PermitFacts, to target: Quantity, _ instrument: Instrument) -> Size {
        let order = facts.order
        let held = facts.position?.quantity ?? .zero
        let onSide = order.side == .buy ? held : -held
        let missing = target - onSide - (order.side == .buy ? facts.openBuyQuantity : facts.openSellQuantity)
        guard missing.rounded(.down, to: order.type == .market ? instrument.marketLotSize : instrument.lotSize) > 0 else {
            return .none(.close(.skipped, reason: "at_target", detail: "the position is \(held), and the target \(order.side == .buy ? target : -target)"))
        }
        return .quantity(missing)
    }

    /// An order that only makes a position smaller: a close, the smaller part of a target, and the gateway's own stops.
    func leaving(_ facts: PermitFacts, _ instrument: Instrument, _ notes: [String]) -> PermitVerdict {
        let order = facts.order
        let held = facts.position?.quantity ?? .zero
        let side: Side = order.sideIsOpen ? (held < 0 ? .buy : .sell) : order.side
        let onSide = max(side == .sell ? held : -held, .zero)
        var wanted = order.quantity ?? onSide
        if order.attempts == 0 {
            if order.kind == .delta { wanted = min(order.requestedQuantity, onSide) }
            if order.kind == .target, let targetSide = order.intent?.targetSide, targetSide != side {
                switch self.wanted(order, instrument) {
                case .quantity(let target): wanted = onSide - target
                case .none(let verdict): return verdict
                }
            }
        }
        guard wanted.rounded(.down, to: instrument.marketLotSize) > 0, onSide > 0 else {
            let reason = order.kind == .delta ? "no_position" : "at_target"
            return .close(order.attempts == 0 ? .skipped : .abandoned, reason: reason, detail: "the position is \(held); there is nothing to leave")
        }
        // What other orders are about to leave is not left twice.
        let available = order.purpose == .stopLoss ? onSide : onSide - (side == .sell ? facts.openSellQuantity : facts.openBuyQuantity)
        guard available > 0, order.attempts == 0 || available >= wanted else {
            return .close(
                order.attempts == 0 ? .skipped : .abandoned, reason: order.attempts == 0 ? "already_closing" : "position_changed",
                detail: "of the \(onSide) held, \(onSide - available) is in open orders")
        }
        // Stop and target would trade the same position once more; where the venue has reserved it for them, it would refuse.
        if order.purpose != .stopLoss, !facts.openLegs.isEmpty { return .wait(reason: Self.protectionOpen) }
        return complete(order, side: side, quantity: order.attempts == 0 ? min(wanted, available) : wanted, instrument: instrument, notes: notes)
    }

    /// An order waits because a stop or a target works in its way; whoever sends it has to cancel that first.
    public static let protectionOpen = "protection_open"
}
