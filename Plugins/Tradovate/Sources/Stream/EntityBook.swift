import AdapterKit
import TradingModel

/// What one connection has told, joined by order. A new connection begins a new book.
struct EntityBook: Sendable {
    /// Orders kept; beyond it the oldest ended ones are forgotten.
    static let limit = 20_000
    /// Reports whose command is not known yet.
    private static let waitingLimit = 1000

    private(set) var joins: [Int64: OrderJoin] = [:]
    /// By account and contract; closed ones are left out.
    private(set) var positions: [Int64: [Int64: Quantity]] = [:]
    private var orderByCommand: [Int64: Int64] = [:]
    private var waiting: [Int64: [TradovateCommandReport]] = [:]
    private var toldFills: Set<Int64> = []

    /// Takes one entity in. Returns the order that it is about, nil for anything else. Throws if it cannot be read.
    mutating func apply(_ change: EntityChange) throws -> Int64? {
        switch change.type {
        case "order":
            let order = try TradovateOrder(change.entity)
            joins[order.id, default: OrderJoin()].order = order
            trim()
            return order.id
        case "orderversion":
            let version = try TradovateVersion(change.entity)
            joins[version.orderID, default: OrderJoin()].versions[version.id] = version
            return version.orderID
        case "command":
            let command = try TradovateCommand(change.entity)
            joins[command.orderID, default: OrderJoin()].commands[command.id] = command
            orderByCommand[command.id] = command.orderID
            if let reports = waiting.removeValue(forKey: command.id) { joins[command.orderID]?.reports[command.id] = reports }
            return command.orderID
        case "commandreport":
            let report = try TradovateCommandReport(change.entity)
            guard let orderID = orderByCommand[report.commandID] else {
                if waiting.count < Self.waitingLimit { waiting[report.commandID, default: []].append(report) }
                return nil
            }
            joins[orderID]?.reports[report.commandID, default: []].append(report)
            return orderID
        case "executionreport":
            let execution = try TradovateExecution(change.entity)
            joins[execution.orderID, default: OrderJoin()].executions[execution.id] = execution
            return execution.orderID
        case "fill":
            let fill = try TradovateFill(change.entity)
            joins[fill.orderID, default: OrderJoin()].fills[fill.id] = fill
            return fill.orderID
        case "position":
            let position = try TradovatePosition(change.entity)
            positions[position.accountID, default: [:]][position.contractID] = position.quantity.isZero ? nil : position.quantity
            return nil
        default: return nil
        }
    }

    /// Fills of the order that were not told yet; they count as told from now on.
    mutating func takeUntoldFills(of orderID: Int64) -> [TradovateFill] {
        guard let join = joins[orderID] else { return [] }
        return join.activeFills.filter { toldFills.insert($0.id).inserted }
    }

    /// What is in the snapshot is no news.
    mutating func countAllAsTold() { for join in joins.values { toldFills.formUnion(join.fills.keys) } }

    private mutating func trim() {
        guard joins.count > Self.limit else { return }
        let ended = joins.filter { $0.value.order.map { !VenueOrderStatus.isOpen(tradovate: $0.status) } ?? true }.keys.sorted()
        for id in ended.prefix(Self.limit / 2) {
            guard let join = joins.removeValue(forKey: id) else { continue }
            toldFills.subtract(join.fills.keys)
            for command in join.commands.keys { orderByCommand[command] = nil }
        }
    }
}
