import AdapterKit
import BrokerContract
import TradingModel

// Level 2, reads. Each list goes through all pages or throws; a part of a list is an error.
extension NewVenueBroker {
    /// Never throws. `notFound(complete: true)` only if the answer covers open and closed orders to the end, and says so in the venue's own
    /// words: a proxy has a 404 too.
    public func lookup(_ order: OrderReference) async -> LookupResult {
        .indeterminate(.unreadableReply, Evidence(mayHaveLeft: false, message: "lookup is not built yet"))
    }

    public func openOrders() async throws(BrokerError) -> [OrderReport] {
        throw .notBuilt("openOrders")
    }

    public func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport] {
        throw .notBuilt("orderHistory")
    }

    public func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill] {
        throw .notBuilt("fills by symbol")
    }

    public func fills(of order: OrderReference) async throws(BrokerError) -> [Fill] {
        throw .notBuilt("fills of an order")
    }

    public func positions() async throws(BrokerError) -> [Position] {
        throw BrokerError(.unsupported, effect: .notSent, "NewVenue has no positions, or they are not built")
    }
}
