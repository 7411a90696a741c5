import OrderFlow
import StoreContract

/// Everything that will happen in one run, beside the order of the steps, which is drawn from `seed`. Times in milliseconds.
public struct Plan: Codable, Sendable, Equatable {
    public struct Venue: Codable, Sendable, Equatable {
        /// D0 to D3: none, among open, within a window, for ever.
        public var deduplication: Int
        /// L0 to L2: none, open only, open and closed.
        public var lookup: Int
        /// X1: requests expire at the venue.
        public var expires: Bool
        public var horizon: Int64
        /// How it fills market orders: 0 at once with the reply, 1 at once by event, 2 in pieces, 3 late, 4 in part.
        public var filling: Int
    }
    public struct Signal: Codable, Sendable, Equatable {
        public var at: Int64
        public var buys: Bool
        public var hundredths: Int
        public var symbol: Int
        public var isLimit: Bool
        /// The gateways that get it, and how long after.
        public var copies: [Copy]
        /// Asks for its cancel after so long; nil for never.
        public var cancelAfter: Int64?
    }
    public struct Copy: Codable, Sendable, Equatable {
        public var gateway: Int
        public var after: Int64
    }

    public var seed: UInt64
    /// The machine on which each gateway runs: those on one can tell that another is dead.
    public var gateways: [Int]
    /// One account each.
    public var venues: [Venue]
    public var signals: [Signal]
    public var faults: [Fault]
    public var longOnly: Bool
    public var skipsWhenBusy: Bool
    /// How many of a hundred stream events are lost, doubled, and late.
    public var dropped: Int
    public var doubled: Int
    public var delayed: Int
    /// When the faults are over.
    public var calmAt: Int64
    /// The venues tell positions, and a difference from the ledger is handled like this; nil: they tell none.
    public var drift: DriftPolicy?
}

/// One thing that goes wrong.
public enum Fault: Codable, Sendable, Equatable {
    /// The n-th placement at an account.
    case place(account: Int, number: Int, PlaceFault)
    /// Something is not as it should be for a while.
    case spell(Spell, account: Int, at: Int64, lasting: Int64)
    case crash(gateway: Int, Trigger, down: Int64)
    case pause(gateway: Int, Trigger, lasting: Int64)
    /// Stopped in good order and started again.
    case restart(gateway: Int, at: Int64, down: Int64)
    /// The wall clock of a gateway is set, in milliseconds.
    case clock(gateway: Int, at: Int64, by: Int64)
    /// The answer to the n-th write of a gateway is lost; it was done, or not.
    case lostCommit(gateway: Int, number: Int, isDone: Bool)
    /// A person trades at the venue beside us.
    case manualOrder(account: Int, at: Int64, buys: Bool, symbol: Int)
}

public enum PlaceFault: Codable, Sendable, Equatable {
    case connectionRefused
    /// The request is lost on its way.
    case lostRequest
    case lostReply
    /// The reply is lost and the order is made so much later.
    case surfacesLate(Int64)
    case slowReply(Int64)
    case serverError(accepted: Bool)
    case unlistedRefusal(accepted: Bool)
    case unreadable
    case refused
    /// Taken, and refused a moment later.
    case rejectedLater
    case overFill
    /// Cancelled by the venue; then a fill comes.
    case fillAfterCancel
}

public enum Spell: String, Codable, Sendable, Equatable, CaseIterable {
    case venueDown, streamDown, streamSilent, lookupsFail, lookupsStale, lookupsBlind, pagesMissing, cancelsLost
    case storeDown, storeSlow, locksDown, locksLie, locksForget, lockRepliesLost
    /// Of the whole installation, not of one account.
    var isCommon: Bool {
        switch self {
        case .storeDown, .storeSlow, .locksDown, .locksLie, .locksForget, .lockRepliesLost: true
        default: false
        }
    }
}

/// When something happens to a gateway.
public enum Trigger: Codable, Sendable, Equatable {
    case at(Int64)
    /// At its n-th write that matters.
    case write(Int, WritePoint)
    /// At its n-th placement.
    case place(Int, PlacePoint)
}

public enum WritePoint: String, Codable, Sendable, CaseIterable { case before, asked, done }
public enum PlacePoint: String, Codable, Sendable, CaseIterable { case beforeCheck, beforeBytes, afterBytes, atReply }
