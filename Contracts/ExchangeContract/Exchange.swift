import BrokerContract
import TradingModel

/// A broker that is an exchange: it holds balances of assets and tells its own time. Clauses XC-… are in this module's README.
public protocol Exchange: Broker {
    /// All non-zero balances of the account. *(XC-01)*
    func balances() async throws(BrokerError) -> [Balance]

    /// Every instrument that the venue lists, with its rules. *(XC-02)*
    func instruments() async throws(BrokerError) -> [Instrument]

    /// The venue's clock, as read now. *(XC-03)*
    func serverTime() async throws(BrokerError) -> Timestamp

    /// Places a market order sized in quote currency, under the same rules as ``Broker/place(_:within:)``. *(XC-04)*
    ///
    /// An exchange that cannot returns `.notSent(.unsupported)` before a byte leaves.
    func place(_ order: QuoteSizedOrder, within window: SendWindow) async -> PlaceOutcome
}

/// What the account has of one asset.
public struct Balance: Sendable, Hashable, Codable {
    public let asset: Asset
    /// Free for new orders.
    public let available: Quantity
    /// Reserved by open orders.
    public let locked: Quantity
    public init(asset: Asset, available: Quantity, locked: Quantity) {
        self.asset = asset
        self.available = available
        self.locked = locked
    }
}

/// A market order for an amount of quote currency: to spend when buying, to receive when selling.
public struct QuoteSizedOrder: Sendable, Hashable {
    public let clientOrderID: ClientOrderID
    public let symbol: Symbol
    public let side: Side
    /// In quote currency, greater than zero.
    public let notional: Notional

    public init(clientOrderID: ClientOrderID, symbol: Symbol, side: Side, notional: Notional) throws(OrderError) {
        guard notional > 0 else { throw .notPositive("notional", notional.description) }
        self.clientOrderID = clientOrderID
        self.symbol = symbol
        self.side = side
        self.notional = notional
    }
}
