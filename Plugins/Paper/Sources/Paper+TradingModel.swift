import BrokerContract
import SimulatorKit
import TradingModel

extension SimulatedOrder {
    var report: OrderReport {
        OrderReport(
            venueOrderID: VenueOrderID(String(id)), clientOrderID: ClientOrderID(clientOrderID), symbol: symbol, side: side,
            type: kind.orderType, status: gaveWay ? .cancelled : status, venueStatus: status.rawValue, quantity: quantity, limitPrice: limitPrice,
            stopPrice: stopPrice, filledQuantity: filledQuantity, averagePrice: averagePrice,
            reason: ending == .insufficientLiquidity ? .noLiquidity : nil, updatedAt: updatedAt)
    }

    /// Ended because of another order of its bracket.
    private var gaveWay: Bool { ending == .pairTriggered || ending == .workingOrderEnded }

    var reference: OrderReference {
        OrderReference(symbol: symbol, clientOrderID: ClientOrderID(clientOrderID), venueOrderID: VenueOrderID(String(id)))
    }
}

extension SimulatedOrder.Kind {
    init?(_ order: NewOrder) {
        switch order.type {
        case .market: self = .market
        case .limit: self = order.postOnly ? .limitMaker : .limit
        case .stop: self = .stop
        case .stopLimit: self = .stopLimit
        case .trailingStop: return nil
        }
    }

    var orderType: OrderType? {
        switch self {
        case .market: .market
        case .limit, .limitMaker: .limit
        case .stop: .stop
        case .stopLimit: .stopLimit
        case .takeProfit, .takeProfitLimit: nil
        }
    }
}

extension SimulatedTrade {
    var fill: Fill {
        Fill(
            executionID: ExecutionID("\(symbol)-\(id)"), venueOrderID: VenueOrderID(String(orderID)),
            clientOrderID: ClientOrderID(clientOrderID), symbol: symbol, side: side, quantity: quantity, price: price, fee: fee,
            feeAsset: feeAsset, executedAt: executedAt)
    }
}

extension ExchangeEvent {
    var fill: Fill? { if case .traded(let trade) = kind { trade.fill } else { nil } }
}

extension ExchangeRefusal {
    var reason: RejectReason {
        switch self {
        case .unknownSymbol: .invalidSymbol
        case .invalidRequest(let code): PaperBroker.refusals.first { $0.code == code } ?? .invalidParameter
        case .insufficientFunds: .insufficientFunds
        case .duplicateClientOrderID: .duplicateClientOrderID
        case .wouldTakeLiquidity: .postOnlyWouldTake
        case .wouldTriggerImmediately: .wouldTriggerImmediately
        case .noPrice, .noSuchOpenOrder, .notWorking: .marketClosed
        }
    }
}
