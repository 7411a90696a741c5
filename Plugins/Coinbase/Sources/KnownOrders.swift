import TradingModel

/// What is known of orders that were placed or read lately: the venue's ids, and whether they have to do with a bracket.
///
/// The venue cannot be asked by our id, but an id never changes its order, and an order never what it belongs to. Whatever is forgotten
/// is read again.
struct KnownOrders: Sendable {
    /// Older ones are forgotten, and are then searched in the venue's lists.
    static let limit = 10_000

    enum Kind: Sendable, Hashable {
        case plain
        /// A bracket is attached to it.
        case entry
        /// It is the bracket of another order.
        case attached
    }

    struct Entry: Sendable {
        let venueOrderID: VenueOrderID
        let symbol: Symbol
    }

    private var entries: [ClientOrderID: Entry] = [:]
    private var sequence: [ClientOrderID] = []
    private var kinds: [VenueOrderID: Kind] = [:]

    subscript(id: ClientOrderID) -> Entry? { entries[id] }

    func kind(of id: VenueOrderID) -> Kind? { kinds[id] }

    mutating func add(_ id: ClientOrderID, _ symbol: Symbol, _ row: CoinbaseOrderReply) {
        note(row)
        let entry = Entry(venueOrderID: VenueOrderID(row.order_id), symbol: symbol)
        if entries.updateValue(entry, forKey: id) == nil { sequence.append(id) }
        guard sequence.count > Self.limit else { return }
        for old in sequence.prefix(Self.limit / 4) { entries[old] = nil }
        sequence.removeFirst(Self.limit / 4)
    }

    mutating func note(_ row: CoinbaseOrderReply) {
        if kinds.count >= 2 * Self.limit { kinds.removeAll() }
        kinds[VenueOrderID(row.order_id)] = row.isAttached ? .attached : row.hasBracket ? .entry : .plain
    }
}
