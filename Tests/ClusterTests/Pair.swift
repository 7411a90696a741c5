import TestSupport
import Testing

/// An order store and a lock backend that several gateways share.
struct Pair: Sendable, Hashable, CustomTestStringConvertible {
    let store: SharedStoreKind
    let locks: SharedLockKind
    var testDescription: String { "\(store) store, \(locks) locks" }

    /// Each store with each lock backend; in a short run so many of them that each store and each lock backend is among them.
    static let shown: [Pair] = SharedLockKind.honest.enumerated().flatMap { index, locks in
        let stores = Trials.isLong ? SharedStoreKind.all : [SharedStoreKind.all[index % SharedStoreKind.all.count]]
        return stores.map { Pair(store: $0, locks: locks) }
    }
}
