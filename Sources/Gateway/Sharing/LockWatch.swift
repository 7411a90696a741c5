import LockContract
import TradingModel

/// Asks the lock backend now and then, so that its loss is told also while no account has work.
struct LockWatch: Sendable {
    static let interval = Duration.seconds(5)

    let locks: any LockBackend
    /// Any account's lock will do.
    let account: AccountID
    let alerts: AlertDesk
    let clock: any TradingClock

    /// Runs until cancelled.
    func run() async throws {
        while true {
            do {
                _ = try await locks.inspect(.account(account))
                await alerts.clear("lock_unavailable", subject: "locks")
            } catch LockError.cancelled {
                throw CancellationError()
            } catch {
                await alerts.raise("lock_unavailable", .critical, subject: "locks", "nothing is sent until it is back: \(error)")
            }
            try await clock.sleep(for: Self.interval)
        }
    }
}
