/// How one clause ended for one broker.
public enum ClauseResult: Sendable, Hashable, CustomStringConvertible {
    case passed
    case failed(String)
    /// The capability is not declared, and it was checked that the broker refuses it; or the venue has no such control.
    case absent(String)
    /// Not checked here: the venue that the run is against does not allow it. Says nothing about the adapter.
    case leftOut(String)

    /// Begins the reason of a check that broke off before it could judge.
    static let unexpected = "broke off: "

    /// Whether the check found the contract broken, and did not just break off.
    public var isVerdict: Bool { if case .failed(let reason) = self { !reason.hasPrefix(Self.unexpected) } else { false } }

    public var isFailure: Bool { if case .failed = self { true } else { false } }

    public var description: String {
        switch self {
        case .passed: "passed"
        case .failed(let reason): "failed: \(reason)"
        case .absent(let reason): "absent by declaration: \(reason)"
        case .leftOut(let reason): "left out: \(reason)"
        }
    }
}

/// Thrown by a check that found the contract broken.
public struct ClauseFailure: Error, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// Thrown by a check whose capability is absent by declaration.
public struct ClauseAbsent: Error, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// Thrown by a check that cannot be made at the venue of this run.
public struct ClauseLeftOut: Error, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// Ends the clause unless `condition` holds.
func expect(_ condition: Bool, _ reason: @autoclosure () -> String) throws {
    guard condition else { throw ClauseFailure(reason()) }
}
