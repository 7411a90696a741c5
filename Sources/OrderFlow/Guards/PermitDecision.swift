import BrokerContract
import StoreContract
import TradingModel

/// Decides, on the facts of one transaction, whether an order may be sent now. Pure: the same facts give the same answer.
public struct PermitDecision: Sendable {
    /// The instrument's rules; nil if they cannot be had now.
    public var instrument: Instrument?
    public var capabilities: BrokerCapabilities
    /// Why nothing may be sent now, whatever the facts: no session, clock skew, orders of an earlier process not resolved.
    public var hold: (reason: String, detail: String)?
    /// Sends of one order that may have reached the venue. What provably did not leave does not count: it may be tried until the
    /// signal is too old.
    public static let maximumAttempts = 3
    /// What the account is worth, for orders that are sized by it.
    public var equity: Equity

    public init(
        instrument: Instrument?, capabilities: BrokerCapabilities, hold: (reason: String, detail: String)? = nil, equity: Equity = .unsupported
    ) {
        self.equity = equity
        self.instrument = instrument
        self.capabilities = capabilities
        self.hold = hold
    }

    public func decide(_ facts: PermitFacts) -> PermitVerdict {
        guard hold == nil, let halt = facts.halt else { return judge(facts) }
        var held = self
        held.hold = ("account_halted", "the account is halted (\(halt.cause): \(halt.detail)) until a person releases it")
        return held.judge(facts)
    }

    private func judge(_ facts: PermitFacts) -> PermitVerdict {
        let order = facts.order
        let isFirst = order.attempts == 0
        if facts.now >= order.expiresAt { return expired(order) }
        guard facts.attempts.count(where: { $0.outcome != "not_sent" }) < Self.maximumAttempts else {
            return .close(.abandoned, reason: "attempts_exhausted", detail: "absent after \(order.attempts) attempts")
        }
        if let hold { return .wait(reason: hold.reason) }
        // A leg that the venue shows proves that the entry reached it, whatever was concluded before: evidence will end the wait.
        guard facts.legs.allSatisfy({ $0.state == order.state }) else { return .wait(reason: "leg_at_venue") }
        guard let instrument else { return .wait(reason: "instrument_rules_missing") }
        if isFirst, let before = predecessor(facts) { return before }

        var notes: [String] = []
        if isFirst, order.purpose == .signal {
            if !facts.unsettled.isEmpty, order.policy.onBusy == .skip {
                return .close(.skipped, reason: "busy", detail: "order \(facts.unsettled[0]) of this account and instrument is not settled")
            }
            if let refusal = cooldown(facts) {
                guard order.policy.observed.contains("cooldown") else { return refusal }
                notes.append("cooldown")
            }
        }
        if !facts.unsettled.isEmpty { return .wait(reason: "unsettled_order") }

        if order.reduceOnly { return leaving(facts, instrument, notes) }
        var quantity: Quantity
        switch wanted(order, instrument) {
        case .quantity(let found): quantity = found
        case .none(let verdict): return verdict
        }
        if isFirst, order.kind == .target {
            switch increase(facts, to: quantity, instrument) {
            case .quantity(let found): quantity = found
            case .none(let verdict): return verdict
            }
        }
        if isFirst {
            if let leg = facts.openLegs.first {
                return .close(
                    .blocked, reason: "bracket_open",
                    detail: "leg \(leg) of a bracket will \(order.side.rawValue) the same position; sending this order too could trade it twice")
            }
            if order.bracket != nil || order.intent?.stopLoss != nil, order.policy.longOnly, order.side == .sell {
                return .close(.blocked, reason: "bracket_on_exit", detail: "with long_only a sell closes a position; a stop loss and a take profit belong to a buy")
            }
            if let entry = facts.entryOfSameSignal, order.side == .buy || order.kind == .target {
                return .close(.skipped, reason: "entry_exists", detail: "order \(entry) of the same signal entered this instrument at this account")
            }
            switch longOnly(facts, quantity: quantity) {
            case .keep: break
            case .reduce(let available):
                notes.append("long_only: \(quantity) reduced to \(available) held")
                if !order.policy.observed.contains("long_only") { quantity = available }
            case .refuse(let verdict):
                guard order.policy.observed.contains("long_only") else { return verdict }
                notes.append("long_only")
            }
        }
        return complete(order, quantity: quantity, instrument: instrument, notes: notes)
    }

    private func expired(_ order: OrderRecord) -> PermitVerdict {
        if order.attempts > 0 {
            if let hold { return .close(.abandoned, reason: hold.reason, detail: hold.detail) }
            return .close(.abandoned, reason: "signal_stale", detail: "proven not to be at the venue, and its signal is too old to send it again")
        }
        if let hold { return .close(.blocked, reason: hold.reason, detail: hold.detail) }
        return .close(.stale, reason: "signal_stale", detail: "its turn came after the signal's maximum age")
    }

    private func cooldown(_ facts: PermitFacts) -> PermitVerdict? {
        let policy = facts.order.policy
        guard policy.cooldown > .zero, let last = facts.lastTradeAt else { return nil }
        // Leaving a position makes a risk smaller and is never held up.
        if facts.order.reduceOnly { return nil }
        let left = last + policy.cooldown - facts.now
        guard left > .zero else { return nil }
        return .close(
            .skipped, reason: "cooldown",
            detail: "\(seconds(left)) s left of the cooldown since order \(facts.lastTradeID?.rawValue ?? "?")")
    }

    private func seconds(_ duration: Duration) -> String {
        let tenths = (duration.wholeMilliseconds + 99) / 100
        return "\(tenths / 10).\(tenths % 10)"
    }

    private enum LongOnly { case keep, reduce(Quantity), refuse(PermitVerdict) }

    private func longOnly(_ facts: PermitFacts, quantity: Quantity) -> LongOnly {
        let order = facts.order
        guard order.policy.longOnly else { return .keep }
        let held = facts.position?.quantity ?? .zero
        switch order.side {
        case .sell:
            let available = held - facts.openSellQuantity
            guard available > 0 else {
                return .refuse(
                    .close(
                        .skipped, reason: "no_long_position",
                        detail: held > 0 ? "all of the \(held) held is in open sell orders" : "there is no long position to sell"))
            }
            return available < quantity ? .reduce(available) : .keep
        case .buy:
            guard order.policy.pyramiding == .skip, order.kind == .delta, held > 0 || facts.openBuyQuantity > 0 else { return .keep }
            return .refuse(.close(.skipped, reason: "already_long", detail: "there is a long position or an open entry already"))
        }
    }

    /// Fits the order to the instrument's rules. A quantity is rounded down to the step; an off-tick price is refused, not adjusted.
    func complete(
        _ order: OrderRecord, side: Side? = nil, quantity wanted: Quantity, instrument: Instrument, notes: [String]
    ) -> PermitVerdict {
        func blocked(_ reason: String, _ detail: String) -> PermitVerdict { .close(order.attempts == 0 ? .blocked : .abandoned, reason: reason, detail: detail) }
        guard instrument.isTrading else { return .wait(reason: "market_closed") }
        guard capabilities.orderTypes.contains(order.type), instrument.orderTypes.contains(order.type) else {
            return blocked("unsupported_type", "\(instrument.symbol) takes no \(order.type.rawValue) orders here")
        }
        guard order.type == .market || capabilities.timesInForce.contains(order.timeInForce) else {
            return blocked("unsupported_time_in_force", "the venue has no \(order.timeInForce.rawValue)")
        }
        guard order.bracket == nil || capabilities.canBracket else {
            return blocked("unsupported_bracket", "this account's broker takes no stop loss and take profit with an order; it is not sent without them")
        }
        guard order.intent?.stopLoss == nil || StopOrder.type(capabilities, instrument) != nil else {
            return blocked("unsupported_stop", "\(instrument.symbol) takes no stop orders here, and this entry is not sent without a stop")
        }
        let isMarket = order.type == .market
        let step = isMarket ? instrument.marketLotSize : instrument.lotSize
        let quantity = wanted.rounded(.down, to: step)
        guard quantity > 0, quantity >= instrument.minimumQuantity else {
            return blocked("below_minimum", "\(wanted) rounded down to the step \(step) is below the minimum \(max(instrument.minimumQuantity, step))")
        }
        let maximum = isMarket ? instrument.maximumMarketQuantity : instrument.maximumQuantity
        guard maximum.isZero || quantity <= maximum else { return blocked("above_maximum", "\(quantity) is above the venue's maximum \(maximum)") }
        let prices = [
            ("limit_price", order.limitPrice), ("stop_price", order.stopPrice), ("stop_loss", order.bracket?.stopLoss),
            ("take_profit", order.bracket?.takeProfit), ("stop_loss", order.intent?.stopLoss),
        ]
        for (name, price) in prices {
            guard let price else { continue }
            guard price.isMultiple(of: instrument.tickSize) else { return blocked("off_tick", "\(name) \(price) is not on the tick \(instrument.tickSize)") }
            guard price >= instrument.minimumPrice, instrument.maximumPrice.isZero || price <= instrument.maximumPrice else {
                return blocked("price_out_of_range", "\(name) \(price) is outside \(instrument.minimumPrice) to \(instrument.maximumPrice)")
            }
        }
        if let price = order.limitPrice, quantity * price < instrument.minimumNotional {
            return blocked("below_minimum_notional", "\(quantity * price) is below the venue's minimum \(instrument.minimumNotional)")
        }
        do {
            return .grant(
                try NewOrder(
                    clientOrderID: order.clientOrderID, symbol: order.symbol, side: side ?? order.side, type: order.type, quantity: quantity,
                    limitPrice: order.limitPrice, stopPrice: order.stopPrice, timeInForce: order.timeInForce,
                    reduceOnly: order.reduceOnly && capabilities.canReduceOnly,
                    bracket: order.bracket),
                notes: notes)
        } catch {
            return blocked("incomplete_order", "\(error)")
        }
    }
}
