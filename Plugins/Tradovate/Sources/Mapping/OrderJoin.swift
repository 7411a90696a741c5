import TradingModel

/// Everything that is known of one order: the venue spreads it over six kinds of entity, which may come in any order.
struct OrderJoin: Sendable {
    var order: TradovateOrder?
    var versions: [Int64: TradovateVersion] = [:]
    var commands: [Int64: TradovateCommand] = [:]
    /// By command.
    var reports: [Int64: [TradovateCommandReport]] = [:]
    var executions: [Int64: TradovateExecution] = [:]
    var fills: [Int64: TradovateFill] = [:]
    /// By fill.
    var fees: [Int64: TradovateFee] = [:]

    /// The id that we gave the order. It is on the command that made it; a command without one is not ours, whatever the order's text says.
    var clientOrderID: ClientOrderID? {
        if let command = commands.values.first(where: { $0.type == "New" }) { return command.clientID.map { ClientOrderID($0) } }
        return note.flatMap { $0.id }
    }

    /// The symbol by which the order was asked for, if it was not the contract's own name.
    var alias: Symbol? { note?.alias }

    private var note: OrderNote? { versions.values.min { $0.id < $1.id }?.text.flatMap(OrderNote.init) }

    /// The terms in force: the newest that were not refused and are not still on their way.
    var version: TradovateVersion? {
        let inForce = versions.values.filter { isInForce($0) }
        return (inForce.isEmpty ? Array(versions.values) : inForce).max { $0.id < $1.id }
    }

    private static let undecided: Set<String> = ["Pending", "RiskPassed", "PendingExecution", "OnHold"]
    private static let refused: Set<String> = ["RiskRejected", "ExecutionRejected", "ExecutionStopped"]

    private func isInForce(_ version: TradovateVersion) -> Bool {
        guard let command = commands[version.id], command.type == "Modify" else { return true }
        switch outcome(of: command.id) {
        case .done: return true
        case .refused: return false
        case .open: return !Self.undecided.contains(command.status)
        }
    }

    /// How a command ended, as far as is known.
    enum CommandOutcome: Sendable, Hashable {
        case open
        case done
        case refused(reason: String?, text: String?)
    }

    func outcome(of commandID: Int64) -> CommandOutcome {
        if let report = reports[commandID]?.first(where: { Self.refused.contains($0.status) }) {
            return .refused(reason: report.rejectReason, text: report.text)
        }
        for execution in executions.values.sorted(by: { $0.id < $1.id }) where execution.commandID == commandID {
            if execution.type == "Rejected" { return .refused(reason: execution.rejectReason, text: execution.text) }
            if execution.type == "Replaced" || execution.type == "Canceled" { return .done }
        }
        if let command = commands[commandID], Self.refused.contains(command.status) { return .refused(reason: nil, text: nil) }
        return .open
    }

    /// Fills that count, oldest first.
    var activeFills: [TradovateFill] { fills.values.filter(\.isActive).sorted { ($0.timestamp, $0.id) < ($1.timestamp, $1.id) } }

    private var executed: (quantity: Quantity, average: Price?) {
        let fills = activeFills
        let sum = fills.reduce(Quantity.zero) { $0 + $1.quantity }
        let told = executions.values.max { ($0.cumulativeQuantity ?? .zero, $0.id) < ($1.cumulativeQuantity ?? .zero, $1.id) }
        if let cumulative = told?.cumulativeQuantity, cumulative > sum { return (cumulative, told?.averagePrice) }
        return (sum, fills.reduce(Notional.zero) { $0 + $1.quantity * $1.price } / sum)
    }

    /// Throws if the order itself is not known yet.
    func report(_ listing: Listing) throws -> OrderReport {
        guard let order else { throw TradovateMappingError("the order itself is missing") }
        let version = version
        var (filled, average) = executed
        if order.status == "Filled", let quantity = version?.quantity, filled < quantity { (filled, average) = (quantity, nil) }
        var status = VenueOrderStatus(tradovate: order.status, filled: filled, of: version?.quantity)
        // A bracket's leg is suspended until its entry has filled.
        if order.status == "Suspended", order.parentID != nil, status == .accepted { status = .pendingNew }
        return OrderReport(
            venueOrderID: VenueOrderID(String(order.id)), clientOrderID: clientOrderID, symbol: alias ?? listing.name, side: order.side,
            type: version.flatMap { OrderType(tradovate: $0.type) }, status: status, venueStatus: order.status, quantity: version?.quantity,
            limitPrice: version?.price.map(listing.snapped), stopPrice: version?.stopPrice.map(listing.snapped), filledQuantity: filled,
            averagePrice: average, reason: status == .rejected ? rejection : nil, updatedAt: updatedAt(order))
    }

    func fill(_ fill: TradovateFill, _ listing: Listing) -> Fill {
        Fill(
            executionID: ExecutionID(String(fill.id)), venueOrderID: VenueOrderID(String(fill.orderID)), clientOrderID: clientOrderID,
            symbol: alias ?? listing.name, side: fill.side, quantity: fill.quantity, price: listing.snapped(fill.price),
            fee: fees[fill.id]?.total, feeAsset: fees[fill.id] == nil ? nil : listing.currency, executedAt: fill.timestamp)
    }

    private var rejection: RejectReason {
        let creation = commands.values.first { $0.type == "New" }?.id
        for command in [creation].compactMap({ $0 }) + reports.keys.sorted() {
            if case .refused(let reason, let text) = outcome(of: command) { return RejectReason(tradovate: reason, text: text) }
        }
        if let told = executions.values.first(where: { $0.type == "Rejected" }) {
            return RejectReason(tradovate: told.rejectReason, text: told.text)
        }
        return .other("rejected without a reason")
    }

    private func updatedAt(_ order: TradovateOrder) -> Timestamp {
        ([order.timestamp] + executions.values.map(\.timestamp) + fills.values.map(\.timestamp)).max() ?? order.timestamp
    }
}

/// What we write into an order's `text`: our id for it and, if it was asked for by a symbol such as `MNQ1!`, that symbol.
///
/// The symbol so survives a restart and a roll: an order of `MNQ1!` keeps that name although `MNQ1!` means another contract today.
struct OrderNote: Sendable, Hashable {
    let id: ClientOrderID?
    let alias: Symbol?

    init(id: ClientOrderID, alias: Symbol?) {
        self.id = id
        self.alias = alias
    }

    init?(_ text: String) {
        let parts = text.split(separator: " ")
        guard let first = parts.first, parts.count <= 2 else { return nil }
        id = ClientOrderID(String(first))
        alias = parts.count == 2 && parts[1].hasSuffix("!") ? Symbol(String(parts[1])) : nil
        if parts.count == 2, alias == nil { return nil }
    }

    var text: String { [id?.rawValue, alias?.rawValue].compactMap { $0 }.joined(separator: " ") }
}
