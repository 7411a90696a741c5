import LockContract
import TradingModel

// What gateways that share a store tell each other through it, and what a person decides about work that keeps killing them.

/// What a store guarantees beyond the clauses.
public struct StoreCapabilities: Sendable, Hashable {
    /// Whether gateways on several hosts can share it.
    public var isShared: Bool
    /// Whether ``OrderStore/commitsOfOthers()`` can miss a commit, so that whoever waits for work has to look by himself too.
    public var mayMissOthers: Bool
    /// The one line that is printed at start.
    public var notice: String
    public init(isShared: Bool, mayMissOthers: Bool, notice: String) {
        self.isShared = isShared
        self.mayMissOthers = mayMissOthers
        self.notice = notice
    }
}

/// A gateway process that works on the store.
public struct WorkerRecord: Sendable, Hashable, Codable {
    /// Names the process; `purpose` is of no account.
    public var holder: HolderIdentity
    public var programVersion: String
    /// Of the store's tables, as this program knows them.
    public var schemaVersion: Int
    public var configurationHash: String
    public var startedAt: Timestamp
    /// Set when it ended cleanly or was found dead.
    public var stoppedAt: Timestamp?
    /// Since its last heartbeat, by the store's own clock. Of no account in a heartbeat.
    public var silence: Duration

    /// Without a heartbeat for so long a worker counts as dead.
    public static let deadAfter = Duration.seconds(30)
    public var isLive: Bool { stoppedAt == nil && silence < Self.deadAfter }

    public init(
        holder: HolderIdentity, programVersion: String, schemaVersion: Int = 0, configurationHash: String, startedAt: Timestamp,
        stoppedAt: Timestamp? = nil, silence: Duration = .zero
    ) {
        self.holder = holder
        self.programVersion = programVersion
        self.schemaVersion = schemaVersion
        self.configurationHash = configurationHash
        self.startedAt = startedAt
        self.stoppedAt = stoppedAt
        self.silence = silence
    }
}

/// The orders of one account that wait to be sent.
public struct AccountQueue: Sendable, Hashable, Codable {
    public var account: AccountID
    /// Queued or absent, dead letters included, legs not.
    public var waiting: Int
    public var deadLetters: Int
    public var oldestCreatedAt: Timestamp
    public init(account: AccountID, waiting: Int, deadLetters: Int, oldestCreatedAt: Timestamp) {
        self.account = account
        self.waiting = waiting
        self.deadLetters = deadLetters
        self.oldestCreatedAt = oldestCreatedAt
    }
}

/// An order at which gateways died again and again. It stays open and waits for a person: it is neither claimed nor permitted.
public struct DeadLetter: Sendable, Hashable, Codable {
    public struct Crash: Sendable, Hashable, Codable {
        public var at: Timestamp
        /// The process that died, and the tenure in which it did.
        public var holder: HolderIdentity
        public var fence: FencingToken
        public init(at: Timestamp, holder: HolderIdentity, fence: FencingToken) {
            self.at = at
            self.holder = holder
            self.fence = fence
        }
    }
    public var order: OrderRecord
    public var since: Timestamp
    /// Oldest first.
    public var crashes: [Crash]
    public init(order: OrderRecord, since: Timestamp, crashes: [Crash]) {
        self.order = order
        self.since = since
        self.crashes = crashes
    }
}

/// What a person decides about a dead letter.
public enum DeadLetterDecision: String, Sendable, Hashable, Codable, CaseIterable {
    /// It waits for its turn again, with the same ids, and its crashes are forgotten.
    case replay
    /// It ends `blocked`, or `abandoned` if it had a permit before, with the reason `discarded`; its legs with it.
    case discard
}
