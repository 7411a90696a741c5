import SimulatorKit
import TradingModel

extension ExchangeEvent {
    /// `executionReport`. Fields: Binance spot API docs, user-data-stream.md, read 2026-11-21.
    func executionReport(sentAt: Timestamp) -> JSONValue {
        var trade: SimulatedTrade?
        if case .traded(let done) = kind { trade = done }
        var cancelID: String?
        if case .cancelled(let id) = kind { cancelID = id ?? "" }
        let isOnBook = order.isWorking && !order.status.isTerminal && order.kind != .market
        let isNewInMarket = trade == nil && order.isWorking && cancelID == nil && !order.status.isTerminal
        let report = JSONValue.object([
            "e": "executionReport", "E": .milliseconds(sentAt), "s": .string(order.symbol.rawValue),
            // On a cancel, `c` is the cancel's own id and `C` the order's.
            "c": .string(cancelID ?? order.clientOrderID), "S": .string(order.binanceSide), "o": .string(order.kind.binance),
            "f": .string(order.binanceTimeInForce), "q": .places(order.quantity), "p": .places(order.limitPrice ?? .zero),
            "P": .places(order.stopPrice ?? .zero), "F": .places(Quantity.zero), "g": order.listNumber,
            "C": .string(cancelID == nil ? "" : order.clientOrderID), "x": .string(executionType), "X": .string(order.binanceStatus),
            "r": "NONE", "i": .integer(order.id), "l": .places(trade?.quantity ?? .zero), "z": .places(order.filledQuantity),
            "L": .places(trade?.price ?? .zero), "n": trade.map { .places($0.fee) } ?? "0",
            "N": trade.map { .string($0.feeAsset.rawValue) } ?? .null, "T": .milliseconds(at), "t": trade.map { .integer($0.id) } ?? -1,
            "I": .integer(executionID), "w": .boolean(isOnBook || (isNewInMarket && order.kind == .market)),
            "m": .boolean(trade?.isMaker ?? false), "M": .boolean(trade != nil), "O": .milliseconds(order.acceptedAt),
            "Z": .places(order.filledNotional), "Y": .places(trade.map { $0.quantity * $0.price } ?? .zero),
            "Q": .places(order.quoteQuantity ?? .zero),
        ])
        let working = order.workingAt.map { report.adding(["W": .milliseconds($0), "V": "EXPIRE_MAKER"]) } ?? report.adding(["V": "EXPIRE_MAKER"])
        guard case .expired(let ending) = kind else { return working }
        return working.adding(["eR": .string(ending.binance)])
    }

    private var executionType: String {
        switch kind {
        case .accepted, .triggered, .entered: "NEW"
        case .amended: "REPLACED"
        case .traded: "TRADE"
        case .cancelled: "CANCELED"
        case .expired: "EXPIRED"
        }
    }
}

extension SimulatedOrder.Ending {
    var binance: String {
        switch self {
        case .insufficientLiquidity: "INSUFFICIENT_LIQUIDITY"
        case .unfilledIOC: "UNFILLED_IOC_QUANTITY_EXPIRED"
        case .unfilledFOK: "UNFILLED_FOK_ORDER_EXPIRED"
        case .rejectedOnTrigger: "REJECTED"
        case .byRequest: "NONE"
        case .pairTriggered: "OCO_TRIGGER"
        case .workingOrderEnded: "OTO_PHASE_ONE_EXPIRED"
        }
    }
}

/// All events of one step of the engine: the reports, then the lists that began or ended, then the account's balances.
func binanceEvents(_ events: [ExchangeEvent], sentAt: Timestamp, list: (SimulatedList) -> JSONValue) -> [JSONValue] {
    guard let last = events.last else { return [] }
    return events.map { $0.executionReport(sentAt: sentAt) } + events.changedLists.map { listStatus($0, at: last.at, sentAt: sentAt, list($0)) } + [
        .object([
            "e": "outboundAccountPosition", "E": .milliseconds(sentAt), "u": .milliseconds(last.at),
            "B": .array(
                last.balances.map { .object(["a": .string($0.asset.rawValue), "f": .places($0.free), "l": .places($0.locked)]) }),
        ])
    ]
}

private func listStatus(_ list: SimulatedList, at: Timestamp, sentAt: Timestamp, _ json: JSONValue) -> JSONValue {
    let members = json["orders"]?.elements ?? []
    return .object([
        "e": "listStatus", "E": .milliseconds(sentAt), "s": .string(list.symbol.rawValue), "g": .integer(list.id),
        "c": .string(list.binanceKind), "l": .string(list.isDone ? "ALL_DONE" : "EXEC_STARTED"),
        "L": .string(list.isDone ? "ALL_DONE" : "EXECUTING"), "r": "NONE", "C": .string(list.clientListID), "T": .milliseconds(at),
        "O": .array(members.map { .object(["s": $0["symbol"] ?? .null, "i": $0["orderId"] ?? .null, "c": $0["clientOrderId"] ?? .null]) }),
    ])
}

extension [ExchangeEvent] {
    /// Lists that were accepted or done in this step, each once.
    fileprivate var changedLists: [SimulatedList] {
        var seen: Set<Int64> = []
        return compactMap { event in
            guard let list = event.list, list.isDone || event.kind == .accepted, seen.insert(list.id).inserted else { return nil }
            return list
        }
    }
}
