import BrokerContract
import Foundation
import Logging
import TradingModel

/// What a clause wants before its check begins.
struct SessionSetup: Sendable {
    var requestTimeout = Duration.seconds(20)
    var streamSilenceLimit: Duration?
    /// Makes what the broker gets in place of the machine's clock.
    var makeClock: @Sendable () -> any TradingClock = { SystemClock() }
    /// Whether the broker runs, and is connected when the check begins.
    var runs = true
    /// Whether the venue enforces its limits.
    var isLimited = false
    /// Whether the proxies speak TLS to the broker.
    var isTLS = false

    /// For faults that end by the adapter's time-out.
    static let impatient = SessionSetup(requestTimeout: .seconds(3))
    static let tls = SessionSetup(isTLS: true)
}

/// One fresh venue with one fresh broker, and the proxies between them.
public struct VenueSession: Sendable {
    public let profile: VenueProfile
    public let venue: SimulatedVenue
    public let broker: any Broker
    /// Nil for a broker without a wire.
    public let rest: FaultProxy?
    public let stream: FaultProxy?
    /// Where the proxies speak TLS.
    let tls: WireTLS?
    public let events: EventRecord
    let requestTimeout: Duration
    /// How long something that must happen is waited for.
    let patience: Duration
    /// The broker's clock.
    let clock: any TradingClock

    /// Starts everything, checks, and ends everything.
    static func run(_ harness: any VenueHarness, _ setup: SessionSetup, _ body: @escaping @Sendable (VenueSession) async throws -> Void) async throws {
        let tls = setup.isTLS ? harness.tls : nil
        if setup.isTLS, tls == nil { throw ClauseAbsent("the adapter's tests have no TLS") }
        let start = setup.isLimited ? harness.withLimitedVenue : harness.withVenue
        try await start { venue in
            let rest = try await proxy(to: venue.restPort, on: venue.host, tls)
            let stream = try await proxy(to: venue.streamPort, on: venue.host, tls)
            let folder = FileManager.default.temporaryDirectory.appending(path: "conformance-\(UUID().uuidString)").path()
            let clock = setup.makeClock()
            let result = await Result.catching {
                let context = BrokerContext(
                    account: "conformance", mode: venue.restPort == nil ? .paper : .sandbox, clock: clock,
                    logger: Logger(label: "conformance", factory: { _ in SwiftLogNoOpLogHandler() }), stateDirectory: folder)
                let wiring = BrokerWiring(
                    restPort: rest?.port ?? 0, streamPort: stream?.port ?? 0, requestTimeout: setup.requestTimeout,
                    streamSilenceLimit: setup.streamSilenceLimit, trustRootsFile: tls?.authorityPath, context: context)
                let session = VenueSession(
                    profile: harness.profile, venue: venue, broker: try venue.makeBroker(wiring), rest: rest, stream: stream,
                    tls: tls, events: EventRecord(patience: harness.patience), requestTimeout: setup.requestTimeout, patience: harness.patience, clock: clock)
                if setup.runs { try await session.whileRunning { try await body(session) } } else { try await body(session) }
            }
            await rest?.stop()
            await stream?.stop()
            try? FileManager.default.removeItem(atPath: folder)
            try result.get()
        }
    }

    private static func proxy(to port: Int?, on host: String, _ tls: WireTLS?) async throws -> FaultProxy? {
        guard let port else { return nil }
        return try await FaultProxy.start(venueHost: host, venuePort: port, tls: tls?.server.context())
    }

    /// Runs the broker while `body` works; `body` begins when it is connected.
    func whileRunning(waits: Bool = true, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                for await event in broker.events { events.add(event) }
                // A stream that ends early is the broker's; the check goes on and sees what is missing.
                try await SystemClock().sleep(for: .seconds(3600))
            }
            group.addTask {
                do throws(BrokerError) { try await broker.run() } catch { throw ClauseFailure("run() threw \(error)") }
                try Task.checkCancellation()
                throw ClauseFailure("run() ended although nobody cancelled it")
            }
            group.addTask {
                if waits { try await connected() }
                try await body()
            }
            try await group.next()
        }
    }

    func connected() async throws {
        let isUp = try await eventually {
            let health = await broker.health
            let streamIsUp = !broker.capabilities.hasStream || (health.streamIsUp && events.connections > 0)
            return health.isConnected && health.rulesAreLoaded && streamIsUp
        }
        let health = await broker.health
        try expect(isUp, "the broker did not connect: \(health)")
    }

    /// Asks again and again, for at most so long (nil is the session's patience), and less and less often: a query may have a price at the venue.
    func eventually(_ limit: Duration? = nil, _ condition: @Sendable () async throws -> Bool) async throws -> Bool {
        let clock = SystemClock()
        let end = clock.monotonic + (limit ?? patience)
        var pause = Duration.milliseconds(15)
        while clock.monotonic < end {
            if try await condition() { return true }
            try await clock.sleep(for: pause)
            pause = min(pause * 1.3, .milliseconds(500))
        }
        return try await condition()
    }
}

extension Result where Failure == any Error {
    static func catching(_ body: () async throws -> Success) async -> Result {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
