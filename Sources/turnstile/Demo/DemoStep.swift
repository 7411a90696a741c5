import TradingModel

/// What a signal becomes at the gateway's door.
enum DemoVerdict: String, Sendable {
    case accepted, duplicate, refused
}

/// One line of the demo: what is sent, and what must become of it.
struct DemoStep: Sendable {
    struct Expectation: Sendable {
        /// HTTP status of every answer.
        var status: Int
        /// How many answers of which verdict.
        var verdicts: [DemoVerdict: Int]
        /// The end of each new order; nil if there must be none.
        var orderState: String?
        /// By how many orders the venue's oracle grows meanwhile.
        var venueOrders: Int
    }

    let title: String
    let bodies: [String]
    /// How often each body is sent, at the same time.
    var copies = 1
    var secretIsRight = true
    /// What the venue is told to do wrong first, as its fault control takes it.
    var faults: String?
    let expected: Expectation

    /// The script: every kind of signal that the gateway must tell apart.
    static func script(now: Timestamp) -> [DemoStep] {
        let filled = Expectation(status: 202, verdicts: [.accepted: 1], orderState: "filled", venueOrders: 1)
        func refused(_ status: Int) -> Expectation {
            Expectation(status: status, verdicts: [.refused: 1], orderState: nil, venueOrders: 0)
        }
        let first = signal("buy", "0.010", "BTCUSD", now)
        let burst = (1...20).map { signal("buy", "0.\($0 + 10)", "ETHUSD", now) }
        return [
            DemoStep(title: "buy 0.010 BTCUSD", bodies: [first], expected: filled),
            DemoStep(
                title: "the same signal, four more times", bodies: [first], copies: 4,
                expected: .init(status: 202, verdicts: [.duplicate: 4], orderState: nil, venueOrders: 0)),
            DemoStep(title: "broken JSON", bodies: [#"{"v":1,"strategy":"trend","symbol":"BTCUSD","action":"buy""#], expected: refused(400)),
            DemoStep(title: "wrong secret", bodies: [signal("buy", "0.011", "BTCUSD", now)], secretIsRight: false, expected: refused(401)),
            DemoStep(title: "a symbol that no strategy maps", bodies: [signal("buy", "1", "DOGEUSD", now)], expected: refused(422)),
            DemoStep(title: "a signal that is ten minutes old", bodies: [signal("buy", "0.012", "BTCUSD", now - .seconds(600))], expected: refused(200)),
            DemoStep(
                title: "sell ETHUSD, of which nothing is held", bodies: [signal("sell", "0.1", "ETHUSD", now)],
                expected: .init(status: 202, verdicts: [.accepted: 1], orderState: "skipped", venueOrders: 0)),
            DemoStep(
                title: "buy 0.020 BTCUSD, the venue's reply is lost", bodies: [signal("buy", "0.020", "BTCUSD", now)],
                faults: #"[{"on":"place","action":"drop_after_accept","times":1}]"#, expected: filled),
            DemoStep(title: "sell 0.030 BTCUSD, all that is held", bodies: [signal("sell", "0.030", "BTCUSD", now)], expected: filled),
            DemoStep(
                title: "20 signals at once, each of them twice", bodies: burst, copies: 2,
                expected: .init(status: 202, verdicts: [.accepted: 20, .duplicate: 20], orderState: "filled", venueOrders: 20)),
        ]
    }

    private static func signal(_ action: String, _ quantity: String, _ symbol: String, _ firedAt: Timestamp) -> String {
        #"{"v":1,"strategy":"trend","symbol":"\#(symbol)","action":"\#(action)","quantity":"\#(quantity)","fired_at":"\#(firedAt)"}"#
    }
}
