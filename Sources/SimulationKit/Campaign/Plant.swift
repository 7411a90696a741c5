/// A defect that is put in on purpose, at a seam, to show that a campaign finds it.
public enum Plant: String, Sendable, CaseIterable, Codable {
    // In the order store.
    case permitIgnoresFence = "permit-ignores-fence"
    case updateIgnoresFence = "update-ignores-fence"
    case fenceStandsStill = "fence-stands-still"
    case permitIgnoresState = "permit-ignores-state"
    case windowProlonged = "window-prolonged"
    case expiryIgnored = "expiry-ignored"
    case unsettledIgnored = "unsettled-ignored"
    case positionIgnored = "position-ignored"
    case haltIgnored = "halt-ignored"
    case duplicateCheckOff = "duplicate-check-off"
    case fillsTwice = "fills-twice"
    case terminalReopened = "terminal-reopened"
    case acknowledgedEarly = "acknowledged-early"
    case journalLineMissing = "journal-line-missing"
    // In what the core makes of doubt.
    case unknownRejected = "unknown-rejected"
    case unknownAbsent = "unknown-absent"
    case forgottenInDoubt = "forgotten-in-doubt"
    case positionAssumed = "position-assumed"
    case horizonIgnored = "horizon-ignored"
    case pauseIgnored = "pause-ignored"
    // In an adapter.
    case lostReplyNotSent = "lost-reply-not-sent"
    case serverErrorRefused = "server-error-refused"
    case windowUnchecked = "window-unchecked"
    case openListComplete = "open-list-complete"
    case foreignAdopted = "foreign-adopted"
    // In the host.
    case pausedCalledDead = "paused-called-dead"

    /// What is wrong, in words.
    public var sentence: String {
        switch self {
        case .permitIgnoresFence: "a permit does not compare the fence"
        case .updateIgnoresFence: "a stale holder's write is accepted"
        case .fenceStandsStill: "a new tenure gets the fence of the one before"
        case .permitIgnoresState: "a permit is granted while the attempt before is open or in doubt"
        case .windowProlonged: "the permit that is handed out lasts longer than the one that is recorded"
        case .expiryIgnored: "an order is permitted after its signal's maximum age"
        case .unsettledIgnored: "a permit does not look at unsettled orders of the instrument"
        case .positionIgnored: "a long-only sell does not count the sells that are open"
        case .haltIgnored: "an order of a halted account is permitted"
        case .duplicateCheckOff: "the duplicate check of signals is off"
        case .fillsTwice: "a fill that is told twice is applied twice"
        case .terminalReopened: "a late word reopens an order that has ended"
        case .acknowledgedEarly: "the sender is answered before the signal is committed"
        case .journalLineMissing: "a change of an order is not written to the journal"
        case .unknownRejected: "an unknown outcome becomes rejected by time"
        case .unknownAbsent: "an unknown outcome becomes absent without proof, and is sent again"
        case .forgottenInDoubt: "an order in doubt is abandoned"
        case .positionAssumed: "a position changes when an order is accepted, not when it is filled"
        case .horizonIgnored: "absence is concluded before an order can be visible"
        case .pauseIgnored: "a paused sender is not reckoned with"
        case .lostReplyNotSent: "a lost reply is taken for not sent"
        case .serverErrorRefused: "an error that is not on the list is taken for a refusal"
        case .windowUnchecked: "the adapter sends after the window has closed"
        case .openListComplete: "absence from the open orders is told as a complete answer"
        case .foreignAdopted: "an order that only looks alike is taken for ours"
        case .pausedCalledDead: "a process that stands still is taken for dead"
        }
    }
}
