/// How far an adapter has come. Each clause belongs to one level, so that an author knows what to build next.
///
/// A level is reached when its clauses and those of all levels below pass. Nothing may be sent with real money below
/// ``certified``.
public enum ConformanceLevel: Int, Sendable, Hashable, Comparable, CaseIterable, CustomStringConvertible {
    /// It compiles, opens nothing when it is made, and sends nothing before it runs.
    case compiles = 0
    /// `run()` holds the connection; rules and clock are known.
    case connects
    /// Queries tell the truth about an account that nobody trades.
    case reads
    /// Orders, cancels, fills and events when the wire works.
    case trades
    /// The same under faults of the wire and of the venue.
    case survives
    /// Limits, long lists and secrets: everything.
    case certified

    public var description: String { "\(rawValue) \(word)" }

    /// As in `docs/adapters.md`.
    public var word: String {
        switch self {
        case .compiles: "compiles"
        case .connects: "connects"
        case .reads: "reads"
        case .trades: "trades"
        case .survives: "survives"
        case .certified: "certified"
        }
    }

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

extension BrokerClause {
    /// A clause that no list names needs orders when the wire works, or survives a fault of the wire.
    public var level: ConformanceLevel { Self.levels[id] ?? (kind == .wireFault ? .survives : .trades) }

    private static let levels: [String: ConformanceLevel] = {
        let lists: [ConformanceLevel: [String]] = [
            .compiles: ["BC-17.no-io"],
            .connects: ["BC-01.ends", "BC-01.health", "BC-03.listed", "BC-19.own-time", "XC-02.instruments", "XC-03.time"],
            .reads: ["BC-03.not-listed", "BC-10.never-sent", "BC-11.empty", "XC-01.balances"],
            .survives: [
                "BC-01.outage", "BC-01.late-venue", "BC-02.closed", "BC-02.reset", "BC-02.duplicate", "BC-02.reorder", "BC-02.dropped",
                "BC-02.refused-stream", "BC-02.garbage", "BC-02.missed", "BC-04.rate-limited", "BC-04.rate-limited-again",
                "BC-07.cancelled-before", "BC-10.surfaces-late", "BC-10.stale", "XC-03.skew",
            ],
            .certified: ["BC-12.pages", "BC-13.pages", "BC-16.full-load", "BC-16.cancels-overtake", "BC-16.longest-id", "BC-18.secrets"],
        ]
        return lists.reduce(into: [:]) { levels, list in for id in list.value { levels[id] = list.key } }
    }()

    /// Ids that a list of a level names.
    public static var namedLevels: [String] { levels.keys.sorted() }

    /// Whether its check sends nothing that could change something at the venue, so that it is harmless at any of them.
    public var onlyReads: Bool { level <= .reads && !["BC-17.no-io", "BC-03.not-listed"].contains(id) }
}
