import Synchronization

/// Set once the venue has confirmed the subscription.
final class SubscriptionFlag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}
