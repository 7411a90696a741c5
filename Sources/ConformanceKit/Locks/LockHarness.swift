import LockContract
import TradingModel

/// What a handle on a lock backend is made with.
public struct LockWiring: Sendable {
    public var clock: any TradingClock
    /// Of the server, or of a proxy before it. Nil where there is no wire.
    public var port: Int?
    public init(clock: any TradingClock, port: Int? = nil) {
        self.clock = clock
        self.port = port
    }
}

/// The locks of one check: fresh, and nobody else's.
public struct LockSite: Sendable {
    /// A further handle on the same locks, as another process would have one.
    public var open: @Sendable (LockWiring) async throws -> any LockBackend
    /// Where the server listens on 127.0.0.1; nil where there is no wire.
    public var port: Int?
    /// Whether leases are timed by the clock that a handle is made with, and not by a server's.
    public var isTimedByClient: Bool
    /// Whether the server is somebody else's, which must not be broken or even cut off.
    public var isSomebodyElses: Bool
    /// Ends the backend without warning and starts it again. Handles from before need not work any more where there is no wire.
    public var restart: (@Sendable () async throws -> Void)?
    /// Takes away everything that the backend has stored, as a flush or a lost disk does.
    public var wipe: (@Sendable () async throws -> Void)?
    /// Stops the backend, and starts it again.
    public var stop: (@Sendable () async throws -> Void)?
    public var start: (@Sendable () async throws -> Void)?

    public init(
        port: Int? = nil, isTimedByClient: Bool = false, isSomebodyElses: Bool = false, restart: (@Sendable () async throws -> Void)? = nil,
        wipe: (@Sendable () async throws -> Void)? = nil, stop: (@Sendable () async throws -> Void)? = nil,
        start: (@Sendable () async throws -> Void)? = nil, open: @escaping @Sendable (LockWiring) async throws -> any LockBackend
    ) {
        self.port = port
        self.isTimedByClient = isTimedByClient
        self.isSomebodyElses = isSomebodyElses
        self.restart = restart
        self.wipe = wipe
        self.stop = stop
        self.start = start
        self.open = open
    }
}

/// Makes the locks that the clauses are checked against.
public protocol LockHarness: Sendable {
    /// As after `type:` in the configuration.
    var name: String { get }
    /// Starts what is needed, hands it over, and ends it afterwards.
    func withSite(_ body: @escaping @Sendable (LockSite) async throws -> Void) async throws
}

/// How much of each check is done.
public struct LockTrials: Sendable, Hashable {
    public let isLong: Bool
    /// A share that a CI run can afford.
    public static let quick = LockTrials(isLong: false)
    /// The full counts. Zero failures in n trials bound the rate of failure at about 3/n.
    public static let long = LockTrials(isLong: true)

    func count(_ quick: Int, _ long: Int) -> Int { isLong ? long : quick }
    /// The longest time of one check.
    var timeLimit: Duration { isLong ? .seconds(3600) : .seconds(120) }
}
