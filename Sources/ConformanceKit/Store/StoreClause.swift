import StoreContract
import TradingModel

/// One clause of the store's contract: an independent check at a fresh place.
public struct StoreClause: Sendable, Identifiable, CustomStringConvertible {
    /// For example `SC-06.once`: the contract's clause and what of it is checked.
    public let id: String
    /// One sentence.
    public let title: String
    let body: @Sendable (StoreSession) async throws -> Void

    init(_ id: String, _ title: String, _ body: @escaping @Sendable (StoreSession) async throws -> Void) {
        self.id = id
        self.title = title
        self.body = body
    }

    public var description: String { id }

    /// The longest time of one check, and how many checks run at once in this process.
    static let timeLimit = Duration.seconds(120)
    private static let gate = ClauseGate(width: 3)

    /// Checks the clause at a fresh place. Never throws: whatever goes wrong is a failure with its reason.
    public func check(_ harness: any StoreHarness) async -> ClauseResult {
        await Self.gate.enter()
        let result = await checkNow(harness)
        await Self.gate.leave()
        return result
    }

    private func checkNow(_ harness: any StoreHarness) async -> ClauseResult {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await harness.withPlace { place in
                        let session = StoreSession(place: place, store: try await place.open())
                        let outcome: Result<Void, any Error>
                        do { outcome = .success(try await body(session)) } catch { outcome = .failure(error) }
                        await session.store.close()
                        try outcome.get()
                    }
                }
                group.addTask {
                    try await SystemClock().sleep(for: Self.timeLimit)
                    throw ClauseFailure("no end after \(Self.timeLimit)")
                }
                defer { group.cancelAll() }
                try await group.next()
            }
            return .passed
        } catch let absent as ClauseAbsent {
            return .absent(absent.description)
        } catch let failure as ClauseFailure {
            return .failed(failure.description)
        } catch {
            return .failed("\(ClauseResult.unexpected)\(error)")
        }
    }
}

/// The clauses of `StoreContract`, as arguments of one parameterised test.
public enum StoreConformance {
    public static let clauses: [StoreClause] =
        StoreAdmissionClauses.all + StoreRateClauses.all + StoreTenureClauses.all + StorePermitClauses.all + StoreFactClauses.all
        + StoreUpdateClauses.all + StoreJournalClauses.all + StoreTableClauses.all + StoreLifeClauses.all
        + StoreBracketClauses.all + StoreQueueClauses.all + StoreWorkerClauses.all + StoreEpisodeClauses.all
        + StoreReconciliationClauses.all
}
