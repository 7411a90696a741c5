import Synchronization

/// Set once the snapshot of a connection was taken.
final class ReadyFlag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}
