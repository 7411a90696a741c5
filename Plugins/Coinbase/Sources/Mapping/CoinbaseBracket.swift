import TradingModel

/// What an order tells of a bracket that is attached to it.
enum CoinbaseAttachment: Decodable, Sendable, Equatable {
    /// The field is not there, which says nothing.
    case untold
    case none
    case bracket(CoinbaseOrderTerms)

    init(from decoder: any Decoder) throws {
        self.init(try [String: CoinbaseOrderTerms](from: decoder))
    }

    fileprivate init(_ configurations: [String: CoinbaseOrderTerms]) {
        self = configurations.first { $0.key.hasPrefix("trigger_bracket_") }.map { .bracket($0.value) } ?? .none
    }
}

extension KeyedDecodingContainer {
    /// Found by the compiler for every field of this type: a field that is missing is not the same as one that is null.
    func decode(_ type: CoinbaseAttachment.Type, forKey key: Key) throws -> CoinbaseAttachment {
        guard contains(key) else { return .untold }
        return CoinbaseAttachment(try decodeIfPresent([String: CoinbaseOrderTerms].self, forKey: key) ?? [:])
    }
}

extension CoinbaseOrderReply {
    /// Whether this order is the bracket of another one.
    var isAttached: Bool { originating_order_id.told != nil }

    /// Whether the venue says that a bracket is attached to this order.
    var hasBracket: Bool {
        if case .bracket = attached_order_configuration { return true }
        return attached_order_id.told != nil
    }

    var clientOrderID: ClientOrderID { ClientOrderID(client_order_id.lowercased()) }

    /// The leg of this order's bracket that has this id.
    func role(of id: ClientOrderID) -> BracketRole? { BracketRole.allCases.first { clientOrderID.leg($0) == id } }
}

/// A bracket, which this venue keeps as one order `trigger_bracket_gtc`, told as the two legs that it is.
///
/// The attached order rests at the target and becomes a limit order beyond the stop when that is reached. It exists once the entry has
/// ended with a fill; until then the entry alone tells of it. Everything here comes from the venue's rows, so a new process tells the same.
struct CoinbaseBracket: Sendable {
    let entry: CoinbaseOrderReply
    /// The attached order; nil while the venue shows none.
    let order: CoinbaseOrderReply?
    /// Of the attached order, as far as they are listed.
    let executions: [CoinbaseFillReply]
    /// The entry has filled, and the attached order should be there since long.
    var isMissing = false

    /// Whether enough is known to speak of the legs.
    var isKnown: Bool {
        order != nil || entry.hasBracket || entry.attached_order_configuration == .none || (isEnded && !hasEntryFills)
    }

    /// Whether an execution of the attached order is not listed yet.
    var lacksExecutions: Bool {
        get throws { try executions.reduce(.zero) { $0 + (try $1.quantity) } < (try filled) }
    }

    // MARK: Prices

    private var terms: CoinbaseOrderTerms? {
        if let own = order?.order_configuration?.first(where: { $0.key.hasPrefix("trigger_bracket_") })?.value { return own }
        if case .bracket(let attached) = entry.attached_order_configuration { return attached }
        return nil
    }

    private func target() throws -> Price? {
        try (order?.edit_history?.last?.price.told ?? terms?.limit_price.told).map { try Price($0) }
    }

    /// An execution at the target's price or better is the target's; any other is the stop's.
    func role(of price: Price) throws -> BracketRole {
        guard let target = try target() else { return .stopLoss }
        let isSale = try Side(coinbase: entry.side) == .buy
        return (isSale ? price >= target : price <= target) ? .takeProfit : .stopLoss
    }

    // MARK: Fills

    private var filled: Quantity { get throws { try order?.filled_size.told.map { try Quantity($0) } ?? .zero } }

    /// What a leg has of the executions. What is not listed yet counts by its average price.
    private func share(of role: BracketRole) throws -> (quantity: Quantity, average: Price?) {
        var own: (quantity: Quantity, notional: Notional) = (.zero, .zero)
        var all = own
        for execution in executions {
            let (quantity, price) = (try execution.quantity, try Price(execution.price))
            all = (all.quantity + quantity, all.notional + quantity * price)
            if try self.role(of: price) == role { own = (own.quantity + quantity, own.notional + quantity * price) }
        }
        let rest = try filled - all.quantity
        if rest > 0, let average = try order?.average_filled_price.told.map({ try Price($0) }) {
            let notional = try filled * average - all.notional
            if let price = notional / rest, try self.role(of: price) == role { own = (own.quantity + rest, own.notional + notional) }
        }
        return (own.quantity, own.notional / own.quantity)
    }

    /// The executions of one leg, under its id, oldest first.
    func fills(of role: BracketRole, as symbol: Symbol, feeAsset: Asset?) throws -> [Fill] {
        let id = entry.clientOrderID.leg(role)
        return try executions.filter { try self.role(of: Price($0.price)) == role }
            .map { try $0.fill(as: symbol, clientOrderID: id, lot: .zero, feeAsset: feeAsset) }
            .sorted { ($0.executedAt, $0.executionID) < ($1.executedAt, $1.executionID) }
    }

    // MARK: Reports

    func report(_ role: BracketRole, as symbol: Symbol) throws -> OrderReport {
        let parent = try entry.report(as: symbol)
        let own = try order?.report(as: symbol)
        let share = try share(of: role)
        let quantity = own?.quantity ?? parent.quantity
        let (status, word) = status(own, parent, share.quantity)
        return OrderReport(
            venueOrderID: VenueOrderID(order?.order_id ?? entry.attached_order_id.told ?? "\(entry.order_id)/\(role.rawValue)"),
            clientOrderID: entry.clientOrderID.leg(role), symbol: symbol, side: parent.side.opposite,
            type: role == .stopLoss ? .stop : .limit, status: status, venueStatus: word, quantity: quantity,
            limitPrice: role == .takeProfit ? try target() : nil,
            stopPrice: role == .stopLoss ? try terms?.stop_trigger_price.told.map { try Price($0) } : nil, filledQuantity: share.quantity,
            averagePrice: share.average, reason: status == .rejected ? own?.reason : nil,
            updatedAt: max(parent.updatedAt, own?.updatedAt ?? parent.updatedAt))
    }

    private var isEnded: Bool { VenueOrderStatus(coinbase: entry.status, hasFills: false).isTerminal }

    private var hasEntryFills: Bool { entry.filled_size.told.flatMap { try? Quantity($0) }.map { $0 > 0 } ?? false }

    private func status(_ own: OrderReport?, _ parent: OrderReport, _ filled: Quantity) -> (VenueOrderStatus, String) {
        guard let own else {
            if isEnded, !hasEntryFills { return (.cancelled, parent.venueStatus) }
            if isMissing || !entry.hasBracket { return (.cancelled, "NO_ATTACHED_ORDER") }
            return (.pendingNew, "ATTACHED")
        }
        if let quantity = own.quantity, filled >= quantity { return (.filled, own.venueStatus) }
        switch own.status {
        // The whole order is filled, but at the other leg's price, or partly so.
        case .filled: return (.cancelled, own.venueStatus)
        case .partiallyFilled: return (filled > 0 ? .partiallyFilled : .accepted, own.venueStatus)
        default: return (own.status, own.venueStatus)
        }
    }
}

extension CoinbaseFillReply {
    /// In base units. An attached order is always sized in base.
    var quantity: Quantity {
        get throws {
            guard size_in_quote == true else { return try Quantity(size) }
            return try Notional(size) / Price(price) ?? .zero
        }
    }
}
