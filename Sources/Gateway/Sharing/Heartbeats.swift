import LockContract
import Logging
import StoreContract
import TradingModel

/// Tells the other gateways on the store that this one lives, and looks at how they are: who has died is told to a person, and a
/// gateway that started earlier with other rules closes the gate.
struct Heartbeats: Sendable {
    static let interval = Duration.seconds(5)
    /// While older gateways are in the way, their end is noticed sooner.
    private static let waitingInterval = Duration.seconds(1)

    /// What this process tells of itself.
    let worker: WorkerRecord
    let store: any OrderStore
    let gate: VersionGate
    let alerts: AlertDesk
    let clock: any TradingClock
    let logger: Logger
    let host: any GatewayHost
    private var gateway: String { worker.holder.gateway }

    init(
        worker: WorkerRecord, store: any OrderStore, gate: VersionGate, alerts: AlertDesk, clock: any TradingClock, logger: Logger,
        host: any GatewayHost = SystemHost()
    ) {
        self.worker = worker
        self.store = store
        self.gate = gate
        self.alerts = alerts
        self.clock = clock
        self.logger = logger
        self.host = host
    }

    /// Runs until cancelled.
    func run() async throws {
        while true {
            try await clock.sleep(for: gate.isClosed ? Self.waitingInterval : Self.interval)
            await beat()
        }
    }

    /// One heartbeat, and one look at the others. The first is due before any tenure is opened: the order of starts decides whose rules hold.
    func beat() async {
        do throws(StoreError) {
            try await store.heartbeat(worker)
            await alerts.clear("store_failing", subject: "store")
            await alerts.saveLate()
            let workers = try await store.workers()
            await compare(with: workers)
            try await lookAfter(workers)
        } catch {
            await alerts.raise("store_failing", .critical, subject: "store", "no heartbeat: \(error)")
        }
    }

    /// Tells that this process ends in good order.
    func stop() async {
        do { try await store.stopWorker(worker.holder, at: clock.wallTime) } catch {
            logger.warning("end not told to the other gateways", metadata: ["error": .string("\(error)")])
        }
    }

    // MARK: Rules

    private func compare(with workers: [WorkerRecord]) async {
        // What is stored of us has the schema version too, which the store alone knows.
        let own = workers.first { $0.holder.isSameProcess(as: worker.holder) } ?? worker
        let older = workers.first { other in
            other.isLive && !host.isProvenDead(other.holder) && other.holder.gateway != gateway
                && (other.startedAt, other.holder.gateway) < (own.startedAt, own.holder.gateway) && !other.hasRules(of: own)
        }
        guard let older else {
            if gate.isClosed { logger.notice("no older gateway with other rules any more; this one sends") }
            gate.open()
            return await alerts.clear("mixed_versions", subject: "gateway:\(gateway)")
        }
        let why = "\(older.holder.words) started earlier and has \(older.differences(from: own)); \(gateway) sends nothing until it stops"
        if gate.close(why) { await alerts.raise("mixed_versions", .high, subject: "gateway:\(gateway)", why) }
    }

    // MARK: The dead

    private func lookAfter(_ workers: [WorkerRecord]) async throws(StoreError) {
        var (live, dead): (Set<String>, [(worker: WorkerRecord, isMine: Bool)]) = ([], [])
        var eldest: WorkerRecord?
        for worker in workers where worker.stoppedAt == nil {
            if host.isProvenDead(worker.holder) {
                // Nobody on another host can know it before the silence is long enough.
                try await store.stopWorker(worker.holder, at: clock.wallTime)
                dead.append((worker, true))
            } else if worker.isLive {
                live.insert(worker.holder.gateway)
                if eldest.map({ ($0.startedAt, $0.holder.gateway) > (worker.startedAt, worker.holder.gateway) }) ?? true { eldest = worker }
            } else {
                dead.append((worker, false))
            }
        }
        let isEldest = eldest?.holder.isSameProcess(as: worker.holder) ?? false
        let open = Set(try await store.alerts(includeResolved: false, limit: 1000).filter { $0.type == "worker_dead" }.map(\.subject))
        // Of what all can see the eldest tells, so that it is told once.
        for (worker, isMine) in dead where !live.contains(worker.holder.gateway) && (isMine || isEldest) {
            let subject = Self.subject(worker.holder.gateway)
            guard !open.contains(subject) else { continue }
            await alerts.raise(
                "worker_dead", .high, subject: subject,
                isMine
                    ? "\(worker.holder.words) has died without stopping; its accounts are taken over"
                    : "\(worker.holder.words) has given no sign of life for \(worker.silence.components.seconds) s; its accounts are taken over")
        }
        let known = Set(workers.map { Self.subject($0.holder.gateway) })
        let back = Set(live.map(Self.subject))
        for subject in open where back.contains(subject) || !known.contains(subject) { await alerts.resolve("worker_dead", subject: subject) }
    }

    private static func subject(_ gateway: String) -> String { "worker:\(gateway)" }
}

extension WorkerRecord {
    fileprivate func hasRules(of other: WorkerRecord) -> Bool {
        configurationHash == other.configurationHash && programVersion == other.programVersion && schemaVersion == other.schemaVersion
    }

    fileprivate func differences(from other: WorkerRecord) -> String {
        var found: [String] = []
        if programVersion != other.programVersion { found.append("program \(programVersion) (here \(other.programVersion))") }
        if schemaVersion != other.schemaVersion { found.append("schema \(schemaVersion) (here \(other.schemaVersion))") }
        if configurationHash != other.configurationHash {
            found.append("configuration \(configurationHash.prefix(12)) (here \(other.configurationHash.prefix(12)))")
        }
        return found.joined(separator: ", ")
    }
}
