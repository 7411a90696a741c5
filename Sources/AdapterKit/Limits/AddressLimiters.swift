import Synchronization

/// The limits that a venue counts by the address from which it is asked, and not by account: one for all accounts of this process
/// that ask the same endpoint.
///
/// Each for itself would let out up to the whole limit before the venue's first answer tells that others asked too, and the
/// venue would refuse and then ban them all. Other processes behind the address are learnt from the venue's own count alone.
public final class AddressLimiters: Sendable {
    public static let shared = AddressLimiters()

    private struct Entry {
        weak var limiter: OutboundLimiter?
    }

    private let entries = Mutex<[String: Entry]>([:])

    public init() {}

    /// The endpoint's limiter, made if nobody has it. It lives as long as the last who has it.
    public func limiter(of endpoint: String, making make: () -> OutboundLimiter) -> OutboundLimiter {
        entries.withLock { entries in
            if let limiter = entries[endpoint]?.limiter { return limiter }
            let limiter = make()
            entries = entries.filter { $0.value.limiter != nil }
            entries[endpoint] = Entry(limiter: limiter)
            return limiter
        }
    }
}
