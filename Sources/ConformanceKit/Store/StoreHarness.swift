import StoreContract

/// What a store's tests give to the suite: a way to fresh, empty places.
///
/// Each clause calls ``withPlace(_:)`` once, clauses run in parallel, and nothing may be shared between two calls.
public protocol StoreHarness: Sendable {
    /// Makes a place, and removes it after `body`.
    func withPlace(_ body: @escaping @Sendable (any StorePlace) async throws -> Void) async throws
}

/// Where a store keeps its data: a file, or a schema of a database.
public protocol StorePlace: Sendable {
    /// Opens a store there. While another one is open, it is what a second process would have.
    func open() async throws -> any OrderStore

    /// Runs SQL from outside, as a defective program or a person with a shell would. Throws ``TableRefusal`` when a rule of the tables
    /// forbids it, and anything else when it could not be tried.
    func execute(_ sql: String) async throws

    /// The same with the triggers of the tables switched off.
    func executeUnguarded(_ sql: String) async throws

    func count(_ table: String) async throws -> Int
}

/// The tables forbade a change from outside.
public struct TableRefusal: Error, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
