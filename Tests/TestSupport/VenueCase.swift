/// What differs from venue to venue in an otherwise equal configuration file: the account's block, and the venue's name of the instrument.
public struct VenueCase: Sendable, CustomStringConvertible {
    public let name: String
    /// The simulator to start; nil for the embedded broker.
    public var simulator: String?
    public let symbol: String
    /// A price above the market, so that a limit order fills at once; not every venue takes a bracket with a market order.
    public let limit: String
    /// A stop loss below the market, a take profit above it, and a price beyond that.
    public let stopLoss: String
    public let takeProfit: String
    public let beyond: String
    /// Orders that the venue makes of stop and target: some keep both as one.
    public var exits = 2
    /// The lines of the account's block, with the simulator's port.
    public let account: @Sendable (Int) -> String

    public var description: String { name }

    public static let all = [binance, coinbase, tradovate, paper]

    public static let binance = VenueCase(name: "binance", simulator: "binance", symbol: "BTCUSDT", limit: "60500.00", stopLoss: "58000.00", takeProfit: "65000.00", beyond: "65100.00") {
        """
        broker: binance
        endpoint: { rest: "http://127.0.0.1:\($0)", websocket: "ws://127.0.0.1:\($0)/ws-api/v3" }
        credentials: { key: test-key, secret: test-secret }
        """
    }
    public static let coinbase = VenueCase(name: "coinbase", simulator: "coinbase", symbol: "BTC-USD", limit: "60500.00", stopLoss: "58000.00", takeProfit: "65000.00", beyond: "65100.00", exits: 1) {
        // The key is the one published in RFC 8032.
        """
        broker: coinbase
        endpoint: { rest: "http://127.0.0.1:\($0)", websocket: "ws://127.0.0.1:\($0)" }
        credentials: { key_name: any-key, private_key: "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=" }
        """
    }
    public static let tradovate = VenueCase(name: "tradovate", simulator: "tradovate", symbol: "MNQ1!", limit: "21260.25", stopLoss: "21000.25", takeProfit: "21500.25", beyond: "21550.00") {
        """
        broker: tradovate
        endpoint: { rest: "http://127.0.0.1:\($0)/v1", websocket: "ws://127.0.0.1:\($0)/v1/websocket" }
        credentials: { username: any-user, password: any-password }
        account: DEMO25
        roll: { MNQ: 5d_before_expiry }
        """
    }
    public static let paper = VenueCase(name: "paper", symbol: "BTCUSDT", limit: "60500.00", stopLoss: "58000.00", takeProfit: "65000.00", beyond: "65100.00") { _ in
        paperAccount(price: "60000")
    }

    public static func paperAccount(price: String) -> String {
        """
        broker: paper
        prices: { BTCUSDT: "\(price)" }
        """
    }
}
