import Synchronization

/// The faults that are still to come. A venue asks at each occasion.
public final class FaultPlan: Sendable {
    /// Planned faults at once.
    public static let limit = 1000

    private let planned = Mutex<[Fault]>([])

    public init() {}

    public var pending: [Fault] { planned.withLock { $0 } }

    public func add(_ faults: [Fault]) throws(ControlError) {
        let fits = planned.withLock { planned in
            guard planned.count + faults.count <= Self.limit else { return false }
            planned += faults
            return true
        }
        guard fits else { throw ControlError("more than \(Self.limit) faults planned") }
    }

    public func clear() { planned.withLock { $0.removeAll() } }

    /// The fault for this occasion, used up by one; each matching fault that still skips counts the occasion.
    public func take(on point: FaultPoint, symbol: String? = nil) -> Fault? {
        planned.withLock { planned in
            var taken: Fault?
            for index in planned.indices {
                let fault = planned[index]
                guard fault.on == point || (fault.on == .any && point != .stream) else { continue }
                guard fault.symbol == nil || fault.symbol == symbol else { continue }
                if fault.skip > 0 {
                    planned[index].skip -= 1
                } else if taken == nil {
                    taken = fault
                    planned[index].times -= 1
                }
            }
            planned.removeAll { $0.times <= 0 }
            return taken
        }
    }
}
