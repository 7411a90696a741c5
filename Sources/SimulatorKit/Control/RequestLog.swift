import Synchronization
import TradingModel

/// What reached the venue, newest last. Holds no secrets.
public final class RequestLog: Sendable {
    /// Entries kept; older ones are forgotten and counted.
    static let limit = 20_000
    /// Parameters that are not written down.
    static let secretNames: Set<String> = ["signature", "apiKey", "listenToken", "secret", "password"]

    public struct Entry: Sendable {
        public let method: String
        public let path: String
        public let parameters: [(name: String, value: String)]
        public let at: Timestamp
        /// For example `200`, `400 -2010`, `dropped`.
        public let outcome: String
        public let fault: String?
    }

    private struct State {
        var entries: [Entry] = []
        var forgotten = 0
    }

    private let state = Mutex(State())

    public init() {}

    public func add(method: String, path: String, parameters: [(name: String, value: String)], at: Timestamp, outcome: String, fault: Fault?) {
        let entry = Entry(
            method: method, path: path, parameters: parameters.filter { !Self.secretNames.contains($0.name) }, at: at,
            outcome: outcome, fault: fault?.action.rawValue)
        state.withLock { state in
            if state.entries.count >= Self.limit {
                // Half at once, so that forgetting does not cost a move of everything at each request.
                state.entries.removeFirst(Self.limit / 2)
                state.forgotten += Self.limit / 2
            }
            state.entries.append(entry)
        }
    }

    public var entries: [Entry] { state.withLock { $0.entries } }

    public func clear() { state.withLock { $0 = State() } }

    var json: JSONValue {
        let (entries, forgotten) = state.withLock { ($0.entries, $0.forgotten) }
        return .object([
            "forgotten": .integer(forgotten),
            "data": .array(
                entries.map { entry in
                    .object([
                        "method": .string(entry.method), "path": .string(entry.path),
                        "params": .object(entry.parameters.map { JSONValue.Member($0.name, .string($0.value)) }),
                        "at": .string(entry.at.description), "outcome": .string(entry.outcome),
                        "fault": entry.fault.map { .string($0) } ?? .null,
                    ])
                }),
        ])
    }
}
