/// Makes a failing plan small: takes one thing away after the other and keeps what still fails in the same way.
public struct Shrinking: Sendable {
    public let plants: Set<Plant>
    /// Runs that it may take.
    public var budget: Int
    public init(plants: Set<Plant> = [], budget: Int = 400) {
        self.plants = plants
        self.budget = budget
    }

    public func shrink(_ failing: RunResult) -> RunResult {
        var best = failing
        var left = budget
        func isKept(_ plan: Plan) -> Bool {
            guard left > 0, plan != best.plan else { return false }
            left -= 1
            let result = Simulation.run(plan, plants: plants)
            guard result.violation?.invariant == failing.violation?.invariant else { return false }
            best = result
            return true
        }
        var isSmaller = true
        while isSmaller, left > 0 {
            isSmaller = false
            for index in best.plan.faults.indices.reversed() where index < best.plan.faults.count {
                var plan = best.plan
                plan.faults.remove(at: index)
                if isKept(plan) { isSmaller = true }
            }
            for index in best.plan.signals.indices.reversed() where best.plan.signals.count > 1 && index < best.plan.signals.count {
                var plan = best.plan
                plan.signals.remove(at: index)
                if isKept(plan) { isSmaller = true }
            }
            for change in Self.simplifications {
                var plan = best.plan
                change(&plan)
                if isKept(plan) { isSmaller = true }
            }
        }
        return best
    }

    private static let simplifications: [@Sendable (inout Plan) -> Void] = [
        { $0.dropped = 0 }, { $0.doubled = 0 }, { $0.delayed = 0 }, { $0.longOnly = false }, { $0.skipsWhenBusy = false },
        { plan in for index in plan.signals.indices { plan.signals[index].cancelAfter = nil } },
        { plan in for index in plan.signals.indices { plan.signals[index].copies = Array(plan.signals[index].copies.prefix(1)) } },
        { plan in for index in plan.signals.indices { plan.signals[index].isLimit = false } },
        { plan in for index in plan.venues.indices { plan.venues[index].filling = 1 } },
        { plan in
            // A gateway or an account goes if no fault names it.
            let used = plan.faults.compactMap(\.gateway).max() ?? 0
            plan.gateways = Array(plan.gateways.prefix(max(1, used + 1)))
        },
        { plan in
            let used = plan.faults.compactMap(\.account).max() ?? 0
            plan.venues = Array(plan.venues.prefix(max(1, used + 1)))
        },
    ]
}

extension Fault {
    fileprivate var gateway: Int? {
        switch self {
        case .crash(let gateway, _, _), .pause(let gateway, _, _), .restart(let gateway, _, _), .clock(let gateway, _, _), .lostCommit(let gateway, _, _): gateway
        case .place, .spell, .manualOrder: nil
        }
    }
    fileprivate var account: Int? {
        switch self {
        case .place(let account, _, _), .spell(_, let account, _, _), .manualOrder(let account, _, _, _): account
        case .crash, .pause, .restart, .clock, .lostCommit: nil
        }
    }
}
