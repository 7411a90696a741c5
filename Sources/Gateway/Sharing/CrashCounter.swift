import LockContract
import Logging
import StoreContract
import TradingModel

/// Counts the crashes of an account's former holders against the orders at which they happened, so that one order cannot kill
/// gateways for ever.
actor CrashCounter {
    /// An order with so many crashes is a dead letter.
    static let limit = 5

    private struct Suspect {
        let tenure: Tenure
        let since: MonotonicInstant
        let leaseExpired: Bool
    }
    private enum Verdict { case crashed, lives, unclear }

    private let holder: HolderIdentity
    private let store: any OrderStore
    private let alerts: AlertDesk
    private let clock: any TradingClock
    private let logger: Logger
    private let host: any GatewayHost
    /// Holders that did not close their tenure, and of whom it is not known yet whether they live.
    private var suspects: [Suspect] = []
    private static let suspectLimit = 16

    init(holder: HolderIdentity, store: any OrderStore, alerts: AlertDesk, clock: any TradingClock, logger: Logger, host: any GatewayHost = SystemHost()) {
        self.holder = holder
        self.store = store
        self.alerts = alerts
        self.clock = clock
        self.logger = logger
        self.host = host
    }

    /// To be called with each new tenure, before anybody works under it.
    func opened(_ tenure: Tenure, predecessor: Tenure?, leaseExpired: Bool) async {
        // Our own tenure that was lost, and one that an operator opened to fence the holder, are nobody's crash.
        if let predecessor, !predecessor.holder.isSameProcess(as: holder), predecessor.holder.purpose != Unlocking.purpose {
            if suspects.count >= Self.suspectLimit { suspects.removeFirst() }
            suspects.append(Suspect(tenure: predecessor, since: clock.monotonic, leaseExpired: leaseExpired))
        }
        await judge(under: tenure)
    }

    /// To be called now and then while the tenure lasts: a holder on another host shows only by its silence that it is dead.
    func judge(under tenure: Tenure) async {
        guard !suspects.isEmpty else { return }
        let judged = suspects
        suspects = []
        for suspect in judged {
            do throws(StoreError) {
                switch try await verdict(suspect) {
                case .lives: break
                case .unclear: suspects.append(suspect)
                case .crashed: try await count(suspect.tenure, under: tenure)
                }
            } catch {
                suspects.append(suspect)
                logger.warning("crash not counted yet", metadata: ["error": .string("\(error)")])
            }
        }
    }

    private func verdict(_ suspect: Suspect) async throws(StoreError) -> Verdict {
        if host.isProvenDead(suspect.tenure.holder) { return .crashed }
        // On a machine that is overloaded it may be silent for long, and has crashed at nothing.
        if host.isProvenAlive(suspect.tenure.holder) { return .lives }
        guard let worker = try await store.workers().first(where: { $0.holder.isSameProcess(as: suspect.tenure.holder) }), worker.isLive else { return .crashed }
        if worker.silence < clock.monotonic - suspect.since { return .lives }
        // The next holder may die at the same order before the silence has lasted long enough for the worker to count as dead.
        return suspect.leaseExpired && worker.silence > Heartbeats.interval * 2 ? .crashed : .unclear
    }

    private func count(_ predecessor: Tenure, under tenure: Tenure) async throws(StoreError) {
        let new = try await store.countCrash(of: predecessor, under: tenure, limit: Self.limit, at: clock.wallTime)
        logger.warning(
            "the account's last holder crashed",
            metadata: ["holder": .string(predecessor.holder.gateway), "process_id": .stringConvertible(predecessor.holder.processID)])
        for letter in new {
            await alerts.raise(
                "dead_letter", .critical, subject: "order:\(letter.order.id)",
                "gateways crashed \(letter.crashes.count) times at \(letter.order.account) \(letter.order.side.rawValue) \(letter.order.symbol); it waits for a person: replay or discard it")
        }
    }
}

extension HolderIdentity {
    /// For people: `gw-a (process 4711 on host1)`.
    var words: String { "\(gateway) (process \(processID) on \(host))" }
}
