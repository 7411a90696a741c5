import Synchronization

/// The subscribers whose stream has ended, until the one who tells them events takes them away.
///
/// A stream's end is told while its task is being cancelled, with the runtime's lock on that task held; `yield` takes that lock. Who
/// yields under a lock of its own must therefore not take the same lock in `onTermination`: two threads would wait for each other for
/// ever. This one is held for nothing else.
public final class EndedSubscribers: Sendable {
    private let numbers = Mutex<[Int]>([])
    public init() {}

    public func add(_ number: Int) { numbers.withLock { $0.append(number) } }

    /// Those that ended since the last call.
    public func take() -> [Int] {
        numbers.withLock { numbers in
            defer { numbers = [] }
            return numbers
        }
    }
}
