import StoreContract
import TradingModel

/// The orders of one account that wait for their turn: a lane for each instrument, oldest first; but one that was tried before has its
/// turn before all that were not, whatever its age, because they wait until it is settled.
///
/// It holds what the desk needs to know of an order and no more, and what it does costs the same however many wait: when a venue is
/// away for long, a hundred thousand may.
struct DeskQueue {
    struct Entry {
        let id: OrderID
        let symbol: Symbol
        let expiresAt: Timestamp
        /// Not sent earlier: it is tried again after a pause.
        let notBefore: MonotonicInstant
        /// It has had no permit yet.
        let isFirst: Bool
        /// It is sized by what the account is worth, at this price.
        var needsEquity = false
        var price: Price?
    }

    fileprivate struct Lane {
        var entries: [Entry] = []
        /// Before it are entries that are gone. They are thrown away in bulk.
        var first = 0
        var head: Entry? { first < entries.count ? entries[first] : nil }
    }

    private var lanes: [Symbol: Lane] = [:]
    private var known: Set<OrderID> = []

    var count: Int { known.count }
    var isEmpty: Bool { known.isEmpty }

    /// Takes its place by id: ids sort by time of receipt. False if the order is here already, and as it is now.
    mutating func add(_ entry: Entry) -> Bool {
        if !known.insert(entry.id).inserted {
            // Meanwhile another gateway may have tried it and proven it absent.
            guard !entry.isFirst, lanes[entry.symbol]?.wasTried(entry.id) == false else { return false }
            lanes[entry.symbol]?.remove(entry.id)
        }
        lanes[entry.symbol, default: Lane()].insert(entry)
        return true
    }

    /// The oldest order whose instrument is not held.
    func next(except held: Set<Symbol>) -> Entry? {
        var oldest: Entry?
        for (symbol, lane) in lanes where !held.contains(symbol) {
            if let head = lane.head, oldest.map({ head.id < $0.id }) ?? true { oldest = head }
        }
        return oldest
    }

    mutating func remove(_ entry: Entry) {
        guard known.remove(entry.id) != nil else { return }
        lanes[entry.symbol]?.remove(entry.id)
        if lanes[entry.symbol]?.head == nil { lanes[entry.symbol] = nil }
    }
}

extension DeskQueue.Entry {
    init(_ order: OrderRecord, notBefore: MonotonicInstant) {
        self.init(id: order.id, symbol: order.symbol, expiresAt: order.expiresAt, notBefore: notBefore, isFirst: order.attempts == 0)
        if case .equityPercent? = order.intent?.amount { needsEquity = true }
        if needsEquity { price = order.limitPrice ?? order.referencePrice }
    }
}

extension DeskQueue.Lane {
    mutating func insert(_ entry: DeskQueue.Entry) {
        let index = entries[first...].lastIndex { Self.goesBefore($0, entry) }.map { $0 + 1 } ?? first
        entries.insert(entry, at: index)
    }

    private static func goesBefore(_ a: DeskQueue.Entry, _ b: DeskQueue.Entry) -> Bool {
        a.isFirst == b.isFirst ? a.id < b.id : b.isFirst
    }

    /// Whether it waits here as one that was tried; nil if it is not here.
    func wasTried(_ id: OrderID) -> Bool? {
        entries[first...].first { $0.id == id }.map { !$0.isFirst }
    }

    mutating func remove(_ id: OrderID) {
        guard let index = entries[first...].firstIndex(where: { $0.id == id }) else { return }
        guard index == first else {
            entries.remove(at: index)
            return
        }
        first += 1
        if first > entries.count / 2 {
            entries.removeFirst(first)
            first = 0
        }
    }
}
