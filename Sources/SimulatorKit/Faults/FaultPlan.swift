import Synchronization

/// The faults that are still to come. A venue asks at each occasion.
public final class FaultPlan: Sendable {
    /// Planned faults at once.
    public static let limit = 1000

    /// A fault with its draw, which goes on from occasion to occasion.
    private struct Planned {
        var fault: Fault
        var draw: UInt64

        init(_ fault: Fault) {
            self.fault = fault
            draw = UInt64(fault.seed ?? 1)
        }

        /// Whether this occasion is one of those that the fault takes. Source of the generator: SplitMix64, public domain, prng.di.unimi.it.
        mutating func isDrawn() -> Bool {
            guard let percent = fault.percent else { return true }
            draw &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (draw ^ (draw >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return (mixed ^ (mixed >> 31)) % 100 < UInt64(percent)
        }
    }

    private let planned = Mutex<[Planned]>([])

    public init() {}

    public var pending: [Fault] { planned.withLock { $0.map(\.fault) } }

    public func add(_ faults: [Fault]) throws(ControlError) {
        let fits = planned.withLock { planned in
            guard planned.count + faults.count <= Self.limit else { return false }
            planned += faults.map(Planned.init)
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
                let fault = planned[index].fault
                guard fault.on == point || (fault.on == .any && point != .stream) else { continue }
                guard fault.symbol == nil || fault.symbol == symbol else { continue }
                if fault.skip > 0 {
                    planned[index].fault.skip -= 1
                } else if taken == nil, planned[index].isDrawn() {
                    taken = fault
                    planned[index].fault.times -= 1
                }
            }
            planned.removeAll { $0.fault.times <= 0 }
            return taken
        }
    }
}
