import LockContract
import TradingModel

/// One clause of the lock contract: an independent check with fresh locks.
public struct LockClause: Sendable, Identifiable, CustomStringConvertible {
    /// For example `LC-02.L04.expiry`: the contract's clause, the number in the list of lock tests, and what of it is checked.
    public let id: String
    /// One sentence.
    public let title: String
    public let kind: BrokerClause.Kind
    let body: @Sendable (LockSession) async throws -> Void

    init(_ id: String, _ title: String, _ kind: BrokerClause.Kind = .behaviour, _ body: @escaping @Sendable (LockSession) async throws -> Void) {
        self.id = id
        self.title = title
        self.kind = kind
        self.body = body
    }

    public var description: String { id }

    private static let gate = ClauseGate(width: 6)

    /// Checks the clause against fresh locks. Never throws: whatever goes wrong is a failure with its reason.
    public func check(_ harness: any LockHarness, trials: LockTrials = .quick) async -> ClauseResult {
        await timedCheck(harness, trials: trials).result
    }

    /// The same, with the time that the check took without its wait in line, and how many trials it made.
    func timedCheck(_ harness: any LockHarness, trials: LockTrials) async -> (result: ClauseResult, duration: Duration, trials: Int) {
        await Self.gate.enter()
        let clock = SystemClock()
        let started = clock.monotonic
        let count = TrialCounter()
        var result = await checkNow(harness, trials, count)
        // A check that broke off has judged nothing; on a busy machine another one does. What breaks off three times is a failure.
        for _ in 0..<2 where result.isFailure && !result.isVerdict { result = await checkNow(harness, trials, count) }
        let duration = clock.monotonic - started
        await Self.gate.leave()
        return (result, duration, count.value)
    }

    private func checkNow(_ harness: any LockHarness, _ trials: LockTrials, _ count: TrialCounter) async -> ClauseResult {
        count.reset()
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [id, body] in
                    try await harness.withSite { site in
                        let session = LockSession(site, trials: trials, clause: id, count: count)
                        let result: Result<Void, any Error>
                        do { result = .success(try await body(session)) } catch { result = .failure(error) }
                        await session.end()
                        try result.get()
                    }
                }
                group.addTask {
                    try await SystemClock().sleep(for: trials.timeLimit)
                    throw ControlFailure("no end after \(trials.timeLimit)")
                }
                defer { group.cancelAll() }
                try await group.next()
            }
            return .passed
        } catch let absent as ClauseAbsent {
            return .absent(absent.description)
        } catch let leftOut as ClauseLeftOut {
            return .leftOut(leftOut.description)
        } catch let failure as ClauseFailure {
            return .failed(failure.description)
        } catch {
            return .failed("\(ClauseResult.unexpected)\(error)")
        }
    }
}
