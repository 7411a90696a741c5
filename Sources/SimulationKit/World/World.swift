import BrokerContract
import Gateway
import Logging
import LockContract
import OrderFlow
import StoreContract
import TradingModel

/// One run: gateways, their store, their lock server, their venues, and what happens to them.
///
/// Unchecked for the same reason as ``Scheduler``.
final class World: @unchecked Sendable {
    /// A place for a gateway; it may die there and be started again. Unchecked like the world.
    final class Slot: @unchecked Sendable {
        let number: Int
        let machine: Int
        var process: SimulatedProcess?
        var gateway: TradingGateway?
        var task: Task<Void, Never>?
        var store: MemoryStore?
        var brokers: [SimulatedBroker] = []
        /// Over all its processes.
        var writes = 0
        var placements = 0
        var wallError: Int64 = 0
        init(number: Int, machine: Int) {
            self.number = number
            self.machine = machine
        }
    }

    /// In milliseconds.
    static let pauseMargin: Int64 = 2000
    static let sendWindow: Int64 = 500
    static let maximumAge: Int64 = 10_000
    static let symbols: [Symbol] = ["AAA", "BBB"]

    let plan: Plan
    let plants: Set<Plant>
    let scheduler: Scheduler
    let locks: LockServer
    let venues: [SimulatedVenue]
    private(set) var slots: [Slot] = []
    private(set) var processes: [SimulatedProcess] = []
    private(set) var database: MemoryDatabase!
    private(set) var checker: Checker!
    private(set) var sender: Sender!
    private var random: SeededRandom
    var spells: Set<Spell> = []
    var isCalm = false
    private var usedFaults: Set<Int> = []
    private var live = 0

    init(_ plan: Plan, plants: Set<Plant> = [], isVerifying: Bool = false, log: ((String) -> Void)? = nil) {
        self.plan = plan
        self.plants = plants
        let scheduler = Scheduler(seed: plan.seed)
        scheduler.log = log
        self.scheduler = scheduler
        random = SeededRandom(seed: plan.seed, stream: 4)
        locks = LockServer(scheduler: scheduler, seed: plan.seed)
        venues = plan.venues.enumerated().map { number, terms in
            SimulatedVenue(account: AccountID("a\(number)"), terms: terms, scheduler: scheduler, plan: plan, number: UInt64(number))
        }
        checker = Checker(self)
        sender = Sender(self)
        database = MemoryDatabase(
            isVerifying: isVerifying, plants: plants, clock: { .microseconds(5_000_000_000 + scheduler.now) }, onCommit: { [unowned self] in checker.committed($0) })
        for venue in venues { venue.onAccepted = { [unowned self, unowned venue] in checker.accepted($0, at: venue) } }
        slots = plan.gateways.enumerated().map { Slot(number: $0, machine: $1) }
    }

    var settings: GatewaySettings {
        var symbols: [String: [AccountID: Symbol]] = [:]
        for symbol in Self.symbols { symbols[symbol.rawValue] = Dictionary(uniqueKeysWithValues: venues.map { ($0.account, symbol) }) }
        let policy = OrderPolicy(longOnly: plan.longOnly, onBusy: plan.skipsWhenBusy ? .skip : .queue)
        let strategy = Strategy(id: "s", source: "tv", symbols: symbols, accounts: venues.map { .init(id: $0.account, sizing: .multiply(1)) }, policy: policy)
        var tracking = TrackingSettings()
        tracking.backgroundInterval = .seconds(5)
        tracking.reconcileInterval = .seconds(5)
        tracking.deepReconcileInterval = .seconds(20)
        return GatewaySettings(
            gatewayID: "", sources: [SourceSettings(id: "tv", rateLimit: nil, maxAge: .milliseconds(Self.maximumAge))], strategies: [strategy],
            accounts: venues.map { AccountSettings(id: $0.account, broker: "simulated", mode: .sandbox, drift: plan.drift ?? .alert) }, coarseLimitPerSecond: 100_000, lockTTL: .seconds(3),
            lockDelay: .milliseconds(500), sendWindow: .milliseconds(Self.sendWindow),
            pauseMargin: plants.contains(.pauseIgnored) ? .zero : .milliseconds(Self.pauseMargin), tracking: tracking, configurationHash: "c")
    }

    // MARK: Gateways

    func start(_ slot: Slot) {
        let process = SimulatedProcess(number: processes.count + 1, scheduler: scheduler, bootOffset: 1_000_000_000 * Int64(slot.machine + 1))
        process.wallError = slot.wallError
        processes.append(process)
        let store = MemoryStore.open(database, over: StorePort(process: process, world: self), mayMissOthers: plan.seed % 2 == 0)
        slot.process = process
        slot.store = store
        slot.brokers = venues.map { SimulatedBroker($0, process, self) }
        var settings = settings
        settings.gatewayID = "gw\(slot.number)"
        let gateway = TradingGateway(
            settings: settings, store: store, locks: SimulatedLocks(server: locks, process: process),
            brokers: Dictionary(uniqueKeysWithValues: slot.brokers.map { ($0.venue.account, $0 as any Broker) }), clock: SimulatedClock(process: process),
            logger: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }, host: SimulatedHost(process, machine: slot.machine, world: self))
        slot.gateway = gateway
        scheduler.note("start gw\(slot.number) as \(process.number)")
        run(on: process) { [self] in
            try? await gateway.run()
            ended(slot, process)
        } begun: { slot.task = $0 }
    }

    /// Starts a task of a process, whose end the run waits for.
    func run(on process: SimulatedProcess, _ body: @escaping @Sendable () async -> Void, begun: (Task<Void, Never>) -> Void = { _ in }) {
        live += 1
        begun(
            Task(executorPreference: process) { [self] in
                await body()
                live -= 1
            })
    }

    /// A gateway stopped in good order is as dead as one that was killed.
    private func ended(_ slot: Slot, _ process: SimulatedProcess) {
        scheduler.note("ended \(process.number)")
        if !process.isDead { bury(slot, process) }
    }

    private func bury(_ slot: Slot, _ process: SimulatedProcess) {
        process.die()
        guard slot.process === process else { return }
        for broker in slot.brokers { broker.cut() }
        slot.store?.shut()
        slot.task?.cancel()
        slot.process = nil
        slot.gateway = nil
        slot.store = nil
        slot.brokers = []
        slot.task = nil
    }

    func crash(_ slot: Slot, down: Int64) {
        guard let process = slot.process else { return }
        scheduler.note("crash gw\(slot.number)")
        bury(slot, process)
        scheduler.after(down * 1000) { [self] in if slot.process == nil { start(slot) } }
    }

    /// - Parameter lasting: In milliseconds. Less, where a placement has looked at the clock and not sent its bytes: that this takes no longer
    ///   than the pause margin, over all pauses, is what the gateway relies on. *(A2)*
    func pause(_ slot: Slot, lasting: Int64) {
        guard let process = slot.process else { return }
        let bound = process.lastLooks.min().map { $0 + Self.pauseMargin * 1000 - 1 - scheduler.now }
        let length = min(lasting * 1000, bound ?? .max)
        guard length > 0 else { return }
        scheduler.note("pause gw\(slot.number)")
        process.pause()
        scheduler.after(length) { [self] in
            scheduler.note("resume gw\(slot.number)")
            process.resume()
        }
    }

    func slot(of process: SimulatedProcess) -> Slot? { slots.first { $0.process === process } }

    // MARK: Points

    func countWrite(_ process: SimulatedProcess) -> Int {
        guard let slot = slot(of: process) else { return 0 }
        slot.writes += 1
        return slot.writes
    }

    func countPlacement(_ process: SimulatedProcess) -> Int {
        guard let slot = slot(of: process) else { return 0 }
        slot.placements += 1
        return slot.placements
    }

    func storeDelay(_ isSlow: Bool) -> Int64 { isSlow ? random.between(50_000, 700_000) : random.between(50, 2500) }

    func placeFault(_ account: AccountID, _ number: Int) -> PlaceFault? {
        guard !isCalm else { return nil }
        for case .place(let index, number, let fault) in plan.faults where venues[index].account == account { return fault }
        return nil
    }

    /// Whether the answer to this write is lost, and if so, whether it is done.
    func lostCommit(_ number: Int, _ process: SimulatedProcess) -> Bool? {
        guard !isCalm, let slot = slot(of: process) else { return nil }
        for case .lostCommit(slot.number, number, let isDone) in plan.faults { return isDone }
        return nil
    }

    /// Does what the plan has for this point; true if the process may have stopped.
    func reached(_ point: Trigger, _ process: SimulatedProcess) -> Bool {
        guard !isCalm, let slot = slot(of: process) else { return false }
        var isStopped = false
        for (index, fault) in plan.faults.enumerated() where !usedFaults.contains(index) {
            switch fault {
            case .crash(slot.number, point, let down):
                usedFaults.insert(index)
                crash(slot, down: down)
                isStopped = true
            case .pause(slot.number, point, let lasting):
                usedFaults.insert(index)
                pause(slot, lasting: lasting)
                isStopped = true
            default: break
            }
        }
        return isStopped
    }

    // MARK: The run

    /// Virtual time after the calm in which everything must have settled, in microseconds.
    static let patience: Int64 = 900_000_000

    func run() -> RunResult {
        for slot in slots { scheduler.after(Int64(slot.number) * 37_000) { [self] in start(slot) } }
        for fault in plan.faults { arrange(fault) }
        sender.arrange()
        scheduler.after(plan.calmAt * 1000) { [self] in calm() }
        if plan.drift == .halt { releaseHalts() }
        let limit = plan.calmAt * 1000 + Self.patience
        let isSettled = scheduler.run { checker.violation != nil || (isCalm && checker.isSettled()) || scheduler.now > limit }
        if scheduler.isBroken { checker.fail("DETERMINISM", "a task left the simulation's executor") }
        if checker.violation == nil {
            if scheduler.now > limit || !isSettled { checker.fail("LIVENESS", checker.unsettled()) } else { checker.finish() }
        }
        let result = RunResult(plan: plan, violation: checker.violation, trace: scheduler.trace, steps: scheduler.steps, time: scheduler.now, facts: checker.facts)
        tearDown()
        return result
    }

    /// Faults are over; what is down comes back.
    private func calm() {
        scheduler.note("calm")
        isCalm = true
        spells = []
        locks.spells = []
        for venue in venues {
            venue.spells = []
            venue.plan.dropped = 0
            venue.plan.delayed = 0
            venue.isCalm = true
            venue.endAll()
        }
        for slot in slots {
            slot.wallError = 0
            slot.process?.wallError = 0
            slot.process?.resume()
            if slot.process == nil { start(slot) }
        }
    }

    /// A person releases what has been halted for a while, again and again.
    private func releaseHalts() {
        scheduler.after(1_000_000) { [self] in
            for account in checker.haltedSince.filter({ scheduler.now - $0.value > 4_000_000 }).keys.sorted() {
                _ = database.write("resume", by: 0) { state in try state.resume(account, by: "person", reason: "looked at", at: SimulatedClock.start + .microseconds(scheduler.now)) }
            }
            releaseHalts()
        }
    }

    private func tearDown() {
        for slot in slots { if let process = slot.process { bury(slot, process) } }
        scheduler.log = nil
        _ = scheduler.run { live == 0 }
        scheduler.end()
        for venue in venues { venue.onAccepted = nil }
    }

    private func arrange(_ fault: Fault) {
        switch fault {
        case .crash(let gateway, .at(let at), let down): scheduler.after(at * 1000) { [self] in if !isCalm { crash(slots[gateway], down: down) } }
        case .pause(let gateway, .at(let at), let lasting): scheduler.after(at * 1000) { [self] in if !isCalm { pause(slots[gateway], lasting: lasting) } }
        case .restart(let gateway, let at, let down):
            scheduler.after(at * 1000) { [self] in
                guard !isCalm, let task = slots[gateway].task else { return }
                scheduler.note("stop gw\(gateway)")
                task.cancel()
                if let process = slots[gateway].process { restart(slots[gateway], once: process, after: down) }
            }
        case .clock(let gateway, let at, let by):
            scheduler.after(at * 1000) { [self] in
                guard !isCalm else { return }
                slots[gateway].wallError = by * 1000
                slots[gateway].process?.wallError = by * 1000
            }
        case .spell(let spell, let account, let at, let lasting):
            scheduler.after(at * 1000) { [self] in if !isCalm { set(spell, account, true) } }
            scheduler.after((at + lasting) * 1000) { [self] in set(spell, account, false) }
        case .manualOrder(let account, let at, let buys, let symbol):
            scheduler.after(at * 1000) { [self] in venues[account].arriveManually(buys: buys, symbol: Self.symbols[symbol], quantity: SimulatedVenue.lot) }
        case .place, .crash, .pause, .lostCommit: break
        }
    }

    /// Starts it again when the process that was asked to stop has ended.
    private func restart(_ slot: Slot, once process: SimulatedProcess, after down: Int64) {
        scheduler.after(down * 1000) { [self] in
            if slot.process == nil { start(slot) } else if slot.process === process { restart(slot, once: process, after: 500) }
        }
    }

    private func set(_ spell: Spell, _ account: Int, _ isOn: Bool) {
        scheduler.note("\(spell.rawValue) \(isOn)")
        func change(_ spells: inout Set<Spell>) { if isOn { spells.insert(spell) } else { spells.remove(spell) } }
        switch spell {
        case .storeDown, .storeSlow: change(&spells)
        case .locksForget: if isOn { locks.forgetAll() }
        case .locksDown, .locksLie, .lockRepliesLost: change(&locks.spells)
        default: change(&venues[account].spells)
        }
    }
}
