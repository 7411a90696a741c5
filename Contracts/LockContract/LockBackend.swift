import Logging
import PluginSettings
import TradingModel

/// A number that strictly increases over all grants of one resource: across release, expiry, force release, crash and restart.
///
/// Compared by epoch, then counter. Equal numbers with different owners must never both be accepted.
public struct FencingToken: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    /// Rises whenever the counter may have been lost.
    public let epoch: Int64
    public let counter: Int64
    public init(epoch: Int64, counter: Int64) {
        self.epoch = epoch
        self.counter = counter
    }
    public static func < (a: Self, b: Self) -> Bool { (a.epoch, a.counter) < (b.epoch, b.counter) }
    public var description: String { "\(epoch).\(counter)" }
}

/// 128 random bits that name one acquisition, not one process.
public struct OwnerToken: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public static func random() -> OwnerToken {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }
    /// - Parameter generator: Nobody may be able to guess its numbers, except in a simulation.
    public static func random(using generator: inout some RandomNumberGenerator) -> OwnerToken {
        func hex(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return OwnerToken(rawValue: hex(generator.next()) + hex(generator.next()))
    }
    /// The part that may be shown.
    public var prefix: String { String(rawValue.prefix(8)) }
}

/// What is locked. Keys stay readable for operators.
public struct LockResource: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public static func account(_ id: AccountID) -> LockResource { .init(rawValue: "account_lock:\(id)") }
    public static func strategy(_ id: StrategyID) -> LockResource { .init(rawValue: "bot_trade_lock:\(id)") }
}

/// Who holds, so that others can tell a living holder from a dead one.
public struct HolderIdentity: Sendable, Hashable, Codable {
    public var gateway: String
    public var host: String
    public var processID: Int32
    /// The process' start in clock ticks after boot (field 22 of `/proc/<pid>/stat`): with the boot id it names a process for ever.
    public var processStart: UInt64
    public var bootID: String
    public var purpose: String
    public init(gateway: String, host: String, processID: Int32, processStart: UInt64, bootID: String, purpose: String) {
        self.gateway = gateway
        self.host = host
        self.processID = processID
        self.processStart = processStart
        self.bootID = bootID
        self.purpose = purpose
    }
}

/// A right to work on a resource for a limited time. It reduces contention; it does not grant the right to send.
public struct Lease: Sendable, Hashable {
    public let resource: LockResource
    public let owner: OwnerToken
    public let fence: FencingToken
    /// Before this instant the lease is certainly still held: taken before the request was sent, less a margin for drift.
    public let localExpiry: MonotonicInstant
    /// The holder before us did not release: it expired or died. A new holder then waits the lock delay before its first permit.
    public let predecessorExpired: Bool

    public init(resource: LockResource, owner: OwnerToken, fence: FencingToken, localExpiry: MonotonicInstant, predecessorExpired: Bool) {
        self.resource = resource
        self.owner = owner
        self.fence = fence
        self.localExpiry = localExpiry
        self.predecessorExpired = predecessorExpired
    }

    /// `now + ttl - ttl/10`, with `now` read before the request is sent.
    public static func localExpiry(requestedAt now: MonotonicInstant, ttl: Duration) -> MonotonicInstant { now + ttl - ttl / 10 }
}

/// Who holds a resource, as far as others may know.
public struct LockStatus: Sendable, Hashable, Codable {
    public let resource: LockResource
    public let holder: HolderIdentity?
    public let ownerPrefix: String?
    public let fence: FencingToken?
    public let age: Duration?
    /// Negative or nil when not held.
    public let remaining: Duration?
    /// How many wait in line; nil where the backend has no line.
    public let waiters: Int?
    public init(
        resource: LockResource, holder: HolderIdentity?, ownerPrefix: String?, fence: FencingToken?, age: Duration?, remaining: Duration?,
        waiters: Int? = nil
    ) {
        self.resource = resource
        self.holder = holder
        self.ownerPrefix = ownerPrefix
        self.fence = fence
        self.age = age
        self.remaining = remaining
        self.waiters = waiters
    }
}

/// How an acquisition ended.
public enum AcquireResult: Sendable, Hashable {
    case granted(Lease)
    case held(LockStatus)
    /// The reply was lost: settle it with ``LockBackend/recover(_:owner:)``.
    case ambiguous
}

public enum RenewResult: Sendable, Hashable {
    /// The same fence, a later expiry.
    case renewed(Lease)
    /// Final: the holder stops.
    case lost
}

public enum ReleaseResult: Sendable, Hashable {
    case released, notOwner, alreadyExpired, ambiguous
}

public enum LockError: Error, Sendable, CustomStringConvertible {
    /// The backend did not answer. Nobody proceeds without a lock.
    case unavailable(String)
    /// The backend answers, but its settings make it unsafe to use. An operator has to change them.
    case refused(String)
    case cancelled
    public var description: String {
        switch self {
        case .unavailable(let why): "lock backend unavailable: \(why)"
        case .refused(let why): "lock backend refused: \(why)"
        case .cancelled: "cancelled"
        }
    }
}

/// What a backend guarantees, for the start-up notice and the conformance suite.
public struct LockCapabilities: Sendable, Hashable, Codable {
    public enum Fairness: String, Sendable, Hashable, Codable {
        /// Whoever asks at the right moment.
        case bestEffort = "best_effort"
        /// Those who wait are served in the order in which they came.
        case fifo
    }

    /// Whether several processes can share it.
    public var isShared: Bool
    /// Whether counters survive a crash of the backend.
    public var isDurable: Bool
    public var minimumTTL: Duration
    public var maximumTTL: Duration
    /// The one line that is printed at start.
    public var notice: String
    public var fairness: Fairness
    /// Whether setting the backend's wall clock moves leases. *(LC-10)*
    public var followsWallClock: Bool
    /// How coarse ``LockStatus/remaining`` is.
    public var resolution: Duration
    public init(
        isShared: Bool, isDurable: Bool, minimumTTL: Duration, maximumTTL: Duration, notice: String, fairness: Fairness = .bestEffort,
        followsWallClock: Bool = false, resolution: Duration = .milliseconds(1)
    ) {
        self.isShared = isShared
        self.isDurable = isDurable
        self.minimumTTL = minimumTTL
        self.maximumTTL = maximumTTL
        self.notice = notice
        self.fairness = fairness
        self.followsWallClock = followsWallClock
        self.resolution = resolution
    }
}

/// Leases with fencing. Clauses LC-… are in this module's README.
public protocol LockBackend: Sendable {
    var capabilities: LockCapabilities { get }

    /// Tries once. Not re-entrant: a second acquisition with a new owner token is `held`, also by the same process. *(LC-01)*
    func acquire(_ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity) async throws(LockError) -> AcquireResult

    /// The lease that this owner token holds, or nil. Settles an ambiguous acquisition. *(LC-06)*
    func recover(_ resource: LockResource, owner: OwnerToken) async throws(LockError) -> Lease?

    /// Keeps the fence, moves the expiry. *(LC-04)*
    func renew(_ lease: Lease, ttl: Duration) async throws(LockError) -> RenewResult

    /// Releases only if `lease.owner` still holds it; the counter stays. A repeat is harmless. *(LC-05)*
    func release(_ lease: Lease) async throws(LockError) -> ReleaseResult

    func inspect(_ resource: LockResource) async throws(LockError) -> LockStatus

    func list(prefix: String) async throws(LockError) -> [LockStatus]

    /// Takes the lease from whoever holds it, if its fence is still `expected`; the next fence is greater. False if it moved on.
    /// It does not make a resend safe. *(LC-08)*
    func forceRelease(_ resource: LockResource, expected: FencingToken, actor: String, reason: String) async throws(LockError) -> Bool

    /// As ``acquire(_:owner:ttl:holder:)``, trying until `limit` has passed; `held` then. One with ``LockCapabilities/Fairness/fifo``
    /// serves those who wait here in the order in which they came, and skips one that has died. *(LC-12)*
    func acquire(
        _ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity, waitingUpTo limit: Duration,
        clock: any TradingClock
    ) async throws(LockError) -> AcquireResult

    /// Looks at the server's settings, if there is a server: throws `refused` if they are unsafe, returns what the operator should
    /// know. A backend looks again on each new connection, so that an unsafe server is never used. *(LC-13)*
    func check() async throws(LockError) -> [String]

    /// Its pools of connections at this moment; none of a backend that keeps no pool.
    var pools: [PoolGauges] { get }
}

extension LockBackend {
    public var pools: [PoolGauges] { [] }

    /// Tries again and again, a little later each time, and with chance in it so that those who wait do not meet.
    public func acquire(
        _ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity, waitingUpTo limit: Duration,
        clock: any TradingClock
    ) async throws(LockError) -> AcquireResult {
        let end = clock.monotonic + limit
        var pause = Duration.milliseconds(10)
        while true {
            let result = try await acquire(resource, owner: owner, ttl: ttl, holder: holder)
            guard case .held = result, clock.monotonic + pause < end else { return result }
            do { try await clock.sleep(for: pause * Double.random(in: 0.5...1)) } catch { throw .cancelled }
            pause = min(pause * 2, .milliseconds(200))
        }
    }

    public func check() async throws(LockError) -> [String] { [] }
}

public struct LockContext: Sendable {
    public let clock: any TradingClock
    public let logger: Logger
    public let stateDirectory: String
    public init(clock: any TradingClock, logger: Logger, stateDirectory: String) {
        self.clock = clock
        self.logger = logger
        self.stateDirectory = stateDirectory
    }
}

/// A kind of lock backend that the configuration can name under `locks: { type: … }`.
public protocol LockPlugin: Sendable {
    associatedtype Configuration: PluginConfiguration
    static var id: String { get }
    /// Opens the backend, or throws why it cannot be used safely.
    static func makeBackend(_ configuration: Configuration, context: LockContext) throws -> any LockBackend
}
