import BrokerContract
import Foundation
import LockContract
import OrderFlow
import StoreContract
import TradingModel

let start = Timestamp(milliseconds: 1_795_237_567_000)

let btc = Instrument(
    symbol: "BTCUSDT", base: "BTC", quote: "USDT", tickSize: Price(Decimal(1) / 100), lotSize: Quantity(Decimal(1) / 100_000),
    minimumQuantity: Quantity(Decimal(1) / 100_000), maximumQuantity: 9000, maximumMarketQuantity: 120, minimumNotional: 5,
    orderTypes: [.market, .limit, .stopLimit])

let capabilities = BrokerCapabilities(orderTypes: [.market, .limit, .stopLimit], timesInForce: [.gtc, .ioc], hasStream: true)

func semantics(
    _ deduplication: VenueSemantics.Deduplication = .amongOpen, lookup: VenueSemantics.Lookup = .openAndClosed(retention: .seconds(86400)),
    expiry: VenueSemantics.RequestExpiry = .enforced(after: .seconds(5)), horizon: Duration = .seconds(10)
) -> VenueSemantics {
    VenueSemantics(
        deduplication: deduplication, lookup: lookup, visibilityHorizon: horizon, requestExpiry: expiry, stream: .unsequenced,
        fillKey: .venueOrderID, cancelKey: .clientOrderID, definitiveRefusals: [], clientOrderIDRules: .init(form: .token, maximumLength: 36))
}

func sampleOrder(
    side: Side = .buy, type: OrderType = .market, quantity: Quantity = 1, state: OrderState = .queued, attempts: Int = 0,
    limitPrice: Price? = nil, policy: OrderPolicy = OrderPolicy()
) -> OrderRecord {
    OrderRecord(
        id: "S-000", signalID: "S", strategy: "trend", account: "spot1", leg: 0, clientOrderID: "ts-1", symbol: "BTCUSDT", signalSymbol: "BTCUSD",
        side: side, type: type, timeInForce: .gtc, requestedQuantity: quantity, quantity: attempts > 0 ? quantity : nil, limitPrice: limitPrice,
        stopPrice: nil, reduceOnly: false, referencePrice: nil, policy: policy, state: state, attempts: attempts, requestID: "r",
        createdAt: start, updatedAt: start, expiresAt: start + .seconds(60))
}

/// A leg of the order, and the attempt that it shares with it.
func sampleLeg(_ role: BracketRole, of entry: OrderRecord, state: OrderState) -> OrderSnapshot {
    var leg = sampleOrder(side: entry.side.opposite, type: role == .stopLoss ? .stop : .limit, state: state, attempts: entry.attempts)
    leg.id = OrderID(role == .stopLoss ? "S-001" : "S-002")
    leg.leg = role == .stopLoss ? 1 : 2
    leg.clientOrderID = entry.clientOrderID.leg(role)
    leg.stopPrice = role == .stopLoss ? entry.bracket?.stopLoss ?? 58000 : nil
    leg.limitPrice = role == .takeProfit ? entry.bracket?.takeProfit ?? 65000 : nil
    leg.bracketRole = role
    leg.entryID = entry.id
    var own = attempt()
    own.orderID = leg.id
    return OrderSnapshot(order: leg, attempts: [own], fills: [], position: nil)
}

let holder = HolderIdentity(gateway: "gw", host: "h", processID: 1, processStart: 1, bootID: "b", purpose: "account")

func attempt(_ number: Int = 1, outcome: String? = nil) -> AttemptRecord {
    AttemptRecord(
        orderID: "S-000", number: number, fence: FencingToken(epoch: 1, counter: 1), owner: "o", holder: holder, permittedAt: start,
        notAfter: start + .seconds(5), notAfterMonotonic: MonotonicInstant(sinceBoot: .seconds(5)), orderHash: "", outcome: outcome)
}

func report(_ status: VenueOrderStatus, filled: Quantity = .zero, quantity: Quantity? = 1, side: Side = .buy) -> OrderReport {
    OrderReport(
        venueOrderID: "7", clientOrderID: "ts-1", symbol: "BTCUSDT", side: side, type: .market, status: status, venueStatus: status.rawValue,
        quantity: quantity, filledQuantity: filled, averagePrice: nil, updatedAt: start)
}

func fill(_ id: String, _ quantity: Quantity, at price: Price = 60000, side: Side = .buy, fee: Notional? = nil, feeAsset: Asset? = nil) -> Fill {
    Fill(
        executionID: ExecutionID(id), venueOrderID: "7", clientOrderID: "ts-1", symbol: "BTCUSDT", side: side, quantity: quantity, price: price,
        fee: fee, feeAsset: feeAsset, executedAt: start)
}

extension OrderSnapshot {
    /// What a store would hold after the change.
    func applying(_ change: OrderChange?) -> OrderSnapshot {
        guard let change else { return self }
        var next = self
        next.order = change.order
        next.order.version += 1
        for attempt in change.attempts { next.attempts = next.attempts.filter { $0.number != attempt.number } + [attempt] }
        next.fills += change.newFills
        next.position = change.position ?? position
        next.legs = legs.map { leg in leg.applying(change.legs.first { $0.order.id == leg.order.id }) }
        return next
    }
}
