import TradingModel

/// One clause of the contract: an independent check with a fresh venue and a fresh broker.
public struct BrokerClause: Sendable, Identifiable, CustomStringConvertible {
    public enum Kind: String, Sendable, CaseIterable {
        /// A fault on a real socket.
        case wireFault = "wire_fault"
        case behaviour
        /// Has two sides: what is declared works, what is not declared is refused before a byte leaves.
        case capability
    }

    /// For example `BC-04.place.hang-after`: the contract's clause and what of it is checked.
    public let id: String
    /// One sentence.
    public let title: String
    public let kind: Kind
    let setup: SessionSetup
    let body: @Sendable (VenueSession) async throws -> Void

    init(
        _ id: String, _ title: String, _ kind: Kind = .behaviour, _ setup: SessionSetup = SessionSetup(),
        _ body: @escaping @Sendable (VenueSession) async throws -> Void
    ) {
        self.id = id
        self.title = title
        self.kind = kind
        self.setup = setup
        self.body = body
    }

    public var description: String { id }

    /// The longest time of one check, and how many checks run at once in this process.
    static let timeLimit = Duration.seconds(180)
    private static let gate = ClauseGate(width: 6)

    /// Checks the clause against a fresh venue. Never throws: whatever goes wrong is a failure with its reason.
    public func check(_ harness: any VenueHarness) async -> ClauseResult { await timedCheck(harness).result }

    /// The same, with the time that the check took without its wait in line.
    func timedCheck(_ harness: any VenueHarness) async -> (result: ClauseResult, duration: Duration) {
        await Self.gate.enter()
        let clock = SystemClock()
        let started = clock.monotonic
        var result = await checkNow(harness)
        // A check that broke off has judged nothing; on a busy machine a second one does. What breaks off twice is a failure.
        if result.isFailure, !result.isVerdict { result = await checkNow(harness) }
        let duration = clock.monotonic - started
        await Self.gate.leave()
        return (result, duration)
    }

    private func checkNow(_ harness: any VenueHarness) async -> ClauseResult {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await VenueSession.run(harness, setup, body) }
                group.addTask {
                    try await SystemClock().sleep(for: Self.timeLimit)
                    throw ControlFailure("no end after \(Self.timeLimit)")
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

/// Lets so many in at once; the others wait in line.
actor ClauseGate {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(width: Int) { free = width }

    func enter() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        guard !waiting.isEmpty else {
            free += 1
            return
        }
        waiting.removeFirst().resume()
    }
}
