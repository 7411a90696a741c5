import Logging
import StoreContract
import TradingModel

/// Finds work in the store that this gateway was not told of: signals that another gateway admitted, what a dead one left, and orders
/// whose hand-over was dropped. One loop for all accounts, woken by the commits of other processes.
///
/// An account that we hold gets its waiting orders on its desk; for any other with open work its worker tries for the lease. Nothing of
/// the latter is kept in memory: the store is the queue, and whoever opens the tenure is handed what waits.
struct WorkFinder: Sendable {
    /// Of several looks at a desk that is behind, each fetches at most so many orders.
    private static let claimLimit = 20_000
    /// Commits that follow each other are answered by one look.
    private static let leastPause = Duration.milliseconds(20)

    let store: any OrderStore
    let workers: [AccountID: AccountWorker]
    let alerts: AlertDesk
    let clock: any TradingClock
    let logger: Logger
    /// Signalled by whoever knows that there is something to find.
    let mailbox: Mailbox

    /// Runs until cancelled.
    func run() async throws {
        // What an earlier process left is looked for at once.
        mailbox.signal()
        let interval: Duration = store.capabilities.mayMissOthers ? .milliseconds(250) : .seconds(1)
        await withDiscardingTaskGroup { group in
            group.addTask { for await _ in store.commitsOfOthers() { mailbox.signal() } }
            group.addTask {
                while (try? await clock.sleep(for: interval)) != nil { mailbox.signal() }
            }
            group.addTask { await lookWhenWoken() }
        }
        throw CancellationError()
    }

    private func lookWhenWoken() async {
        while !Task.isCancelled {
            await mailbox.wait()
            guard !Task.isCancelled else { return }
            let began = clock.monotonic
            do { try await look() } catch {
                await alerts.raise("store_failing", .critical, subject: "store", "waiting orders cannot be read: \(error)")
            }
            // A store that is slow under load is not asked more often than it can answer.
            let pause = min(max((clock.monotonic - began) * 3, Self.leastPause), .seconds(1))
            do { try await clock.sleep(for: pause) } catch { return }
        }
    }

    func look() async throws(StoreError) {
        let open = Set(try await store.accountsWithOpenOrders())
        let queues = Dictionary(try await store.queues().map { ($0.account, $0) }, uniquingKeysWith: { first, _ in first })
        var behind: [AccountID] = []
        var missing = 0
        for (account, worker) in workers {
            let waiting = queues[account].map { $0.waiting - $0.deadLetters } ?? 0
            if await worker.keeper.isHeld {
                worker.demand.set(false)
                guard waiting > (await worker.desk.queued) else { continue }
                behind.append(account)
                missing += waiting
            } else {
                var isWanted = open.contains(account)
                if isWanted, waiting == 0, (queues[account]?.deadLetters ?? 0) > 0 { isWanted = try await hasMoreThanDeadLetters(account) }
                worker.demand.set(isWanted)
            }
        }
        guard !behind.isEmpty else { return }
        // The oldest come first and the desk knows most of them, so that as many are read as wait.
        let claimed = try await store.claim(of: behind, limit: min(missing, Self.claimLimit))
        let now = clock.monotonic
        for (account, orders) in Dictionary(grouping: claimed, by: \.account) {
            logger.debug("orders found", metadata: ["account": .string(account.rawValue), "orders": .stringConvertible(orders.count)])
            await workers[account]?.desk.add(orders.filter { $0.bracketRole == nil }.map { DeskQueue.Entry($0, notBefore: now) })
        }
    }

    /// Dead letters are open and wait for a person, and so do their legs; an account with nothing else is left alone.
    private func hasMoreThanDeadLetters(_ account: AccountID) async throws(StoreError) -> Bool {
        let dead = Set(try await store.deadLetters().map(\.order.id))
        return try await store.openOrders(of: account).contains { order in
            (order.state != .queued && order.state != .absent) || !(dead.contains(order.id) || (order.entryID.map(dead.contains) ?? false))
        }
    }
}
