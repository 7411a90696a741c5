import Logging
import StoreContract
import TradingModel

/// Keeps background tasks alive: what ends without having been asked to is restarted with backoff, and a person is told.
struct Supervisor: Sendable {
    let alerts: AlertDesk
    let clock: any TradingClock
    let logger: Logger

    /// Runs `body` until cancelled. Its return and its errors both count as a death.
    func keep(_ name: String, alive body: @escaping @Sendable () async throws -> Void) async {
        var failures = 0
        while !Task.isCancelled {
            let started = clock.monotonic
            let subject = "task:\(name)"
            let why = await withTaskGroup(of: String?.self) { group in
                group.addTask {
                    do {
                        try await body()
                        return "ended"
                    } catch is CancellationError {
                        return "cancelled"
                    } catch {
                        return String(describing: error)
                    }
                }
                let isRestart = failures > 0
                group.addTask {
                    // Alive for a while after a death: the alert has served.
                    guard isRestart, (try? await clock.sleep(for: .seconds(10))) != nil else { return nil }
                    await alerts.resolve("task_dead", subject: subject)
                    return nil
                }
                for await result in group {
                    guard let result else { continue }
                    group.cancelAll()
                    return result
                }
                return "ended"
            }
            guard !Task.isCancelled else { return }
            if clock.monotonic - started > .seconds(60) { failures = 0 }
            failures += 1
            let pause = min(Duration.milliseconds(250) * (1 << min(failures - 1, 7)), .seconds(30))
            logger.error("background task died", metadata: ["task": .string(name), "error": .string(why), "restart_in": .string("\(pause)")])
            await alerts.raise("task_dead", .high, subject: subject, "background task \(name) died: \(why); restarted in \(pause)")
            do { try await clock.sleep(for: pause) } catch { return }
        }
    }
}
