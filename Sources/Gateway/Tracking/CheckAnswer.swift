import BrokerContract
import StoreContract
import TradingModel

/// What came of asking the venue about one order.
public enum CheckAnswer: Sendable, Hashable {
    case found(OrderReport)
    case notFound(complete: Bool)
    /// No answer that says anything.
    case noAnswer(String)
    /// The question could not be put.
    case notAsked(String)

    /// In one word for people and programs.
    public var word: String {
        switch self {
        case .found: "found"
        case .notFound: "not_found"
        case .noAnswer: "no_answer"
        case .notAsked: "not_asked"
        }
    }
}

/// An order that is looked after, for operators.
public struct WatchedOrder: Sendable {
    public var order: OrderRecord
    /// How long it has been watched, and until it is next asked about; zero for now.
    public var watchedFor: Duration
    public var nextCheckIn: Duration
    public var checks: Int
    /// Whether the venue's stream tells of it too; otherwise asking is all there is.
    public var isStreamed: Bool
    public var lastAnswer: String?
    public var lastAnswerAt: Timestamp?
    /// A market order that should have ended long ago.
    public var isStale: Bool
}
