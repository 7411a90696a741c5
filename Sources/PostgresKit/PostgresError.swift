import CLibpq

/// A five-character code of the server, for example `23505` for a broken uniqueness.
/// Source: PostgreSQL 15, Appendix A "PostgreSQL Error Codes".
public struct SQLState: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    public static let serializationFailure = SQLState(rawValue: "40001")
    public static let deadlockDetected = SQLState(rawValue: "40P01")
    public static let uniqueViolation = SQLState(rawValue: "23505")
    public static let lockNotAvailable = SQLState(rawValue: "55P03")
    public static let queryCancelled = SQLState(rawValue: "57014")
    public static let undefinedTable = SQLState(rawValue: "42P01")

    /// The statement itself broke a rule of the tables: a constraint (23), a value (22) or a `RAISE` of a trigger (P0001).
    public var isRefusal: Bool { rawValue.hasPrefix("23") || rawValue.hasPrefix("22") || rawValue == "P0001" }

    /// The transaction was undone only because of others, and may be repeated.
    public var isRepeatable: Bool { self == .serializationFailure || self == .deadlockDetected }

    /// The server ends the connection: shutdown, crash of another process, not ready yet, idle in a transaction for too long.
    var endsConnection: Bool { ["57P01", "57P02", "57P03", "57P05", "25P03"].contains(rawValue) }
}

/// Why something at the server did not happen, or is not known to have happened.
public struct PostgresError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// There is no connection; nothing was sent.
        case notConnected
        /// No connection of the pool became free in time; nothing was sent.
        case poolTimedOut
        /// The caller was cancelled while it waited for a connection; nothing was sent.
        case cancelled
        /// The server said no. What was open as a transaction is undone.
        case refused(SQLState)
        /// The connection ended before a commit was asked for: nothing of the transaction is stored.
        case connectionLost
        /// The connection ended, or no answer came in time, after a commit was asked for: it may have happened. Only looking tells.
        case outcomeUnknown
        /// The server is set up in a way that loses commits, or is no primary.
        case unsafeServer
        /// An answer is not what the statement must give.
        case malformed
    }

    public let kind: Kind
    public let message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    public var description: String {
        switch kind {
        case .notConnected: "cannot connect to Postgres: \(message)"
        case .poolTimedOut: "no Postgres connection became free: \(message)"
        case .cancelled: "cancelled while waiting for a Postgres connection"
        case .refused(let state): "Postgres error \(state): \(message)"
        case .connectionLost: "the Postgres connection was lost: \(message)"
        case .outcomeUnknown: "the Postgres connection was lost while committing: \(message)"
        case .unsafeServer: "this Postgres server must not be used: \(message)"
        case .malformed: "unexpected answer of Postgres: \(message)"
        }
    }

    public var state: SQLState? { if case .refused(let state) = kind { state } else { nil } }
}

/// libpq's texts end with a line break.
func trimmed(_ text: UnsafePointer<CChar>?) -> String {
    var text = text.map { String(cString: $0) } ?? ""
    while text.last?.isNewline == true { text.removeLast() }
    return text
}
