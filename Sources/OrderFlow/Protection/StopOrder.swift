import BrokerContract
import Foundation
import StoreContract
import TradingModel

/// The form in which a venue takes a stop that the gateway places itself.
public enum StopOrder {
    /// A plain stop where there is one, else a stop with a limit; nil where the venue takes neither.
    public static func type(_ capabilities: BrokerCapabilities, _ instrument: Instrument) -> OrderType? {
        [OrderType.stop, .stopLimit].first { capabilities.orderTypes.contains($0) && instrument.orderTypes.contains($0) }
    }

    /// The limit of a stop-limit: so many percent on the losing side of the stop, so that it trades after a gap too.
    static func limit(_ stop: Price, _ side: Side, _ protection: ProtectionPolicy, _ instrument: Instrument) -> Price {
        let distance = Price(stop.value * protection.limitOffset.value / 100)
        let limit = side == .sell ? (stop - distance).rounded(.down, to: instrument.tickSize) : (stop + distance).rounded(.up, to: instrument.tickSize)
        return max(limit, instrument.tickSize)
    }
}
