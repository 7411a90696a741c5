import Synchronization

/// Closed while a gateway that started earlier works with another configuration or program: then this one sends nothing.
final class VersionGate: Sendable {
    private let state = Mutex<String?>(nil)

    /// Who is in the way and why; nil while it is open.
    var why: String? { state.withLock { $0 } }
    var isClosed: Bool { why != nil }

    /// True if it was open.
    @discardableResult
    func close(_ why: String) -> Bool {
        state.withLock { state in
            defer { state = why }
            return state == nil
        }
    }

    func open() { state.withLock { $0 = nil } }
}
