import BrokerContract
import Foundation
import LockContract
import StoreContract
import StoreKit
import TradingModel

/// Something that must hold and does not.
public struct Violation: Sendable, Equatable, Codable {
    /// The invariant's number, for example `I5`.
    public let invariant: String
    public let text: String
    /// Microseconds since the beginning.
    public let at: Int64
}

/// Looks at every commit, every request that leaves, and every order that a venue makes. The venues' own books are the truth.
///
/// Unchecked for the same reason as ``Scheduler``.
final class Checker: @unchecked Sendable {
    unowned let world: World
    private(set) var violation: Violation?
    /// How often each thing that a run should try happened.
    var facts: [String: Int] = [:]

    // What the checker knows by itself, without asking the rules that it checks.
    var keys: [String: SignalID] = [:]
    var intents: Set<String> = []
    var current: [AccountID: (fence: FencingToken, owner: OwnerToken, isClosed: Bool)] = [:]
    var sends: [String: Int] = [:]
    var madeAtVenue: [ClientOrderID: Int] = [:]
    var firstSeen: [SignalID: Int64] = [:]
    /// What comparisons have added to each position, and when each account was last changed and halted.
    var corrected: [MemoryState.Pair<AccountID, Symbol>: Quantity] = [:]
    var changedAt: [AccountID: Int64] = [:]
    /// When the last two complete comparisons of an account were committed.
    var comparedAt: [AccountID: [Int64]] = [:]
    var haltedSince: [AccountID: Int64] = [:]
    var isDirty = true
    var wasSettled = false

    init(_ world: World) { self.world = world }

    func fail(_ invariant: String, _ text: String) {
        guard violation == nil else { return }
        violation = Violation(invariant: invariant, text: text, at: world.scheduler.now)
        world.scheduler.note("VIOLATION \(invariant): \(text)")
    }

    func count(_ fact: String) { facts[fact, default: 0] += 1 }

    func venue(_ account: AccountID) -> SimulatedVenue? { world.venues.first { $0.account == account } }

    /// Our orders at the venue under this id.
    func truth(_ order: OrderRecord) -> [VenueOrder] { venue(order.account)?.orders.filter { $0.clientOrderID == order.clientOrderID } ?? [] }

    // MARK: What leaves

    /// The first byte of a placement is about to leave.
    ///
    /// - Parameter isAssumed: The sender stood still after its last look at the clock, for less than the pause margin. *(A2)*
    func sent(_ order: NewOrder, by process: SimulatedProcess, notAfter: MonotonicInstant?, isAssumed: Bool, on venue: SimulatedVenue) {
        count("sent")
        world.database.read { state, _ in
            guard let record = state.byClientID[.init(venue.account, order.clientOrderID)].map({ state.orders[$0] }) else {
                return fail("I4", "an order leaves that is not in the store: \(order.clientOrderID)")
            }
            guard let attempt = state.attempts[record.id]?.last, attempt.number == record.attempts else { return fail("I4", "order \(record.id) leaves without an attempt") }
            guard attempt.orderHash == OrderHash.hash(order) else { return fail("I4", "order \(record.id) leaves otherwise than recorded") }
            guard order.clientOrderID == record.clientOrderID else { return fail("I9", "order \(record.id) leaves under another id") }
            let by = SimulatedClock(process: process).monotonic
            // Of a stale sender the attempt may be an older one; it is judged by what the venue makes of it.
            if attempt.holder.processID == Int32(process.number) {
                let limit = attempt.notAfterMonotonic + (isAssumed ? .milliseconds(World.pauseMargin) : .zero)
                if by >= limit { fail("I8", "order \(record.id) leaves \(by - attempt.notAfterMonotonic) after its window") }
                let key = "\(record.id) \(attempt.number)"
                sends[key, default: 0] += 1
                if sends[key] != 1 { fail("I5", "attempt \(attempt.number) of order \(record.id) leaves a second time") }
            }
            let hasClockFaults = world.plan.faults.contains { if case .clock = $0 { true } else { false } }
            // What leaves a difference has an age of its own.
            if !hasClockFaults, !isAssumed, record.strategy != DriftFinding.orderStrategy, let first = firstSeen[record.signalID] {
                let age = world.scheduler.now - first
                if age > (World.maximumAge + World.sendWindow) * 1000 { fail("I21", "order \(record.id) leaves \(age / 1000) ms after its signal") }
            }
        }
    }

    /// A venue made an order.
    func accepted(_ made: VenueOrder, at venue: SimulatedVenue) {
        guard let id = made.clientOrderID else { return }
        count("made")
        madeAtVenue[id, default: 0] += 1
        world.scheduler.note("made \(id)")
        if madeAtVenue[id] != 1 { fail("I5", "the venue made \(madeAtVenue[id] ?? 0) orders for \(id)") }
        world.database.read { state, _ in
            guard let record = state.byClientID[.init(venue.account, id)].map({ state.orders[$0] }) else { return fail("I4", "the venue has an order that is not in the store") }
            // What was declared dead must not come alive. *(I10)*
            switch record.state {
            case .rejected, .abandoned, .skipped, .blocked, .stale: fail("I10", "order \(record.id) is made at the venue after it ended \(record.state.rawValue)")
            case .absent: fail("I10", "order \(record.id) is made at the venue after its absence was concluded")
            default: break
            }
            if let quantity = record.quantity, quantity != made.quantity { fail("I12", "order \(record.id) is made with \(made.quantity), not \(quantity)") }
        }
    }

    /// A sender was told that its signal is accepted.
    func answered(_ number: Int, _ id: String, earlier: String?) {
        count("answered")
        world.database.read { state, _ in
            if state.signalIndex[SignalID(id)] == nil { fail("I3", "signal \(id) is answered with yes and not stored") }
        }
        if let earlier, earlier != id { fail("I1", "copies of one signal are \(earlier) and \(id)") }
    }
}
