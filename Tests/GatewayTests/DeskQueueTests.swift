import StoreContract
import Testing
import TradingModel

@testable import Gateway

@Suite struct DeskQueueTests {
    private func entry(_ id: OrderID, _ symbol: Symbol = "BTCUSDT", isFirst: Bool = true) -> DeskQueue.Entry {
        DeskQueue.Entry(
            id: id, symbol: symbol, expiresAt: Timestamp(microseconds: 0), notBefore: MonotonicInstant(sinceBoot: .zero), isFirst: isFirst)
    }

    private func drained(_ queue: DeskQueue, except held: Set<Symbol> = []) -> [OrderID] {
        var queue = queue
        var ids: [OrderID] = []
        while let next = queue.next(except: held) {
            ids.append(next.id)
            queue.remove(next)
        }
        return ids
    }

    @Test func `orders leave in the order of their ids, whatever their instruments`() {
        var queue = DeskQueue()
        for (id, symbol) in [("1", "B"), ("4", "A"), ("2", "A"), ("3", "B")] as [(OrderID, Symbol)] { _ = queue.add(entry(id, symbol)) }
        #expect(drained(queue) == ["1", "2", "3", "4"])
    }

    @Test func `a held instrument holds only its own orders`() {
        var queue = DeskQueue()
        for (id, symbol) in [("1", "A"), ("2", "B"), ("3", "A"), ("4", "B")] as [(OrderID, Symbol)] { _ = queue.add(entry(id, symbol)) }
        #expect(drained(queue, except: ["A"]) == ["2", "4"])
        #expect(queue.next(except: ["A", "B"]) == nil)
    }

    @Test func `an order is taken once, and again after it has left`() {
        var queue = DeskQueue()
        let isFirstTaken = queue.add(entry("1"))
        let isRepeatTaken = queue.add(entry("1"))
        #expect(isFirstTaken && !isRepeatTaken)
        queue.remove(entry("1"))
        #expect(queue.isEmpty)
        let isTakenAgain = queue.add(entry("1"))
        #expect(isTakenAgain)
        #expect(queue.count == 1)
    }

    @Test func `an order that was tried goes before older ones that were not, since they wait for it`() {
        var queue = DeskQueue()
        for id in ["1", "2", "5"] as [OrderID] { _ = queue.add(entry(id)) }
        for id in ["4", "3"] as [OrderID] { _ = queue.add(entry(id, isFirst: false)) }
        #expect(drained(queue) == ["3", "4", "1", "2", "5"])
    }

    @Test func `an order that waits here and was tried by another gateway moves to the front once`() {
        var queue = DeskQueue()
        for id in ["1", "2", "3"] as [OrderID] { _ = queue.add(entry(id)) }
        let hasMoved = queue.add(entry("2", isFirst: false))
        let hasMovedAgain = queue.add(entry("2", isFirst: false))
        let isFirstAgain = queue.add(entry("2"))
        #expect(hasMoved && !hasMovedAgain && !isFirstAgain)
        #expect(queue.count == 3)
        #expect(drained(queue) == ["2", "1", "3"])
    }

    @Test func `an older order that comes late takes its place before the others`() {
        var queue = DeskQueue()
        for number in 10..<50 { _ = queue.add(entry(OrderID("\(number)"))) }
        for number in 10..<30 { queue.remove(entry(OrderID("\(number)"))) }
        _ = queue.add(entry("05"))
        queue.remove(entry("40"))
        #expect(drained(queue) == ["05"] + (30..<50).filter { $0 != 40 }.map { OrderID("\($0)") })
    }
}

@Suite struct SlidingWindowLimiterTests {
    private func at(_ milliseconds: Int) -> MonotonicInstant { MonotonicInstant(sinceBoot: .milliseconds(milliseconds)) }
    private let rule = RateRule(key: "a", limit: 2, interval: .seconds(1))

    @Test func `a slot is free again exactly one interval after it was taken`() {
        let limiter = SlidingWindowLimiter()
        #expect(limiter.take(rule, at: at(0)) == nil)
        #expect(limiter.take(rule, at: at(400)) == nil)
        #expect(limiter.take(rule, at: at(999)) == .milliseconds(1))
        #expect(limiter.take(rule, at: at(1000)) == nil)
        #expect(limiter.take(rule, at: at(1399)) == .milliseconds(1))
        #expect(limiter.take(rule, at: at(1400)) == nil)
    }

    @Test func `a refused request takes no slot, and keys do not share`() {
        let limiter = SlidingWindowLimiter()
        for time in [0, 1] { #expect(limiter.take(rule, at: at(time)) == nil) }
        for time in 2..<100 { #expect(limiter.take(rule, at: at(time)) == .milliseconds(1000 - time)) }
        #expect(limiter.take(RateRule(key: "b", limit: 2, interval: .seconds(1)), at: at(100)) == nil)
        #expect(limiter.take(rule, at: at(1000)) == nil)
    }
}
