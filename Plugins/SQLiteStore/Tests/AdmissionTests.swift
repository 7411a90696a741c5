import Foundation
import GRDB
import StoreContract
import Testing
import TradingModel

@testable import SQLiteStore

@Suite struct AdmissionTests {
    /// Never reached. With a limit the key is looked up before the slot is claimed; without one, storing the signal finds a known key.
    static let roomyRate = RateRule(key: "roomy", limit: 1_000_000, interval: .seconds(1))

    @Test(arguments: [nil, roomyRate]) func `a hundred identical admissions at once store one signal and one order`(_ rate: RateRule?) async throws {
        try await StoreFixture.run { fixture async throws in
            let results = try await withThrowingTaskGroup(of: AdmissionResult.self) { group in
                for copy in 0..<100 {
                    group.addTask {
                        var signal = aSignal("x\(copy)", key: SignalKey(hash: hash("same"), isExplicit: true))
                        signal.id = SignalID("sig-x\(copy)")
                        return try await fixture.store.admit(
                            Admission(signal: signal, orders: [anOrder("x\(copy)")], window: .seconds(300), rate: rate))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results.filter { $0 == .admitted }.count == 1)
            let answers = Set(results.compactMap { if case .duplicate(let first, let answer) = $0 { "\(first)\(answer.body)" } else { nil } })
            #expect(answers.count == 1)
            #expect(try await fixture.count("signals") == 1)
            #expect(try await fixture.count("orders") == 1)
            #expect(try await fixture.store.signals(before: nil, limit: 10).first?.copies == 99)
            #expect(try await fixture.store.verifyJournal() == nil)
        }
    }

    @Test(arguments: [nil, roomyRate]) func `an explicit key with another payload is a conflict and stores nothing`(_ rate: RateRule?) async throws {
        try await StoreFixture.run { fixture async throws in
            try await fixture.admitOrder("a")
            let before = try await fixture.store.lastJournalSequence()
            let other = aSignal("b", key: SignalKey(hash: hash("key-a"), isExplicit: true), at: start + .seconds(86400 * 400), body: "other")
            let result = try await fixture.store.admit(Admission(signal: other, orders: [], window: .seconds(1), rate: rate))
            #expect(result == .conflict(first: "sig-a"))
            #expect(try await fixture.store.lastJournalSequence() == before)
        }
    }

    @Test(arguments: [nil, roomyRate]) func `a derived key acts again after its window, counted from the first receipt`(_ rate: RateRule?) async throws {
        try await StoreFixture.run { fixture async throws in
            func admit(_ name: String, after seconds: Int64) async throws -> AdmissionResult {
                let signal = aSignal(name, key: SignalKey(hash: hash("d"), isExplicit: false), at: start + .seconds(seconds))
                return try await fixture.store.admit(Admission(signal: signal, orders: [], window: .seconds(300), rate: rate))
            }
            #expect(try await admit("1", after: 0) == .admitted)
            #expect(try await admit("2", after: 200) == .duplicate(first: "sig-1", StoredAnswer(status: 202, body: "answer-1")))
            #expect(try await admit("3", after: 299) == .duplicate(first: "sig-1", StoredAnswer(status: 202, body: "answer-1")))
            #expect(try await admit("4", after: 300) == .admitted)
            #expect(try await fixture.store.signal("sig-4")?.occurrence == 2)
            #expect(try await admit("5", after: 301) == .duplicate(first: "sig-4", StoredAnswer(status: 202, body: "answer-4")))
        }
    }

    @Test func `the rate is a sliding window, and a duplicate costs no slot`() async throws {
        try await StoreFixture.run { fixture async throws in
            let rule = RateRule(key: "tv", limit: 2, interval: .seconds(10))
            func admit(_ name: String, after seconds: Int64) async throws -> AdmissionResult {
                try await fixture.store.admit(
                    Admission(signal: aSignal(name, at: start + .seconds(seconds)), orders: [], window: .zero, rate: rule))
            }
            #expect(try await admit("1", after: 0) == .admitted)
            #expect(try await admit("1", after: 1) == .duplicate(first: "sig-1", StoredAnswer(status: 202, body: "answer-1")))
            #expect(try await admit("2", after: 4) == .admitted)
            #expect(try await admit("3", after: 9) == .rateLimited(retryAfter: .seconds(1)))
            #expect(try await admit("3", after: 10) == .admitted)
            #expect(try await admit("4", after: 11) == .rateLimited(retryAfter: .seconds(3)))
            #expect(try await fixture.count("signals") == 3)
        }
    }

    @Test func `a failing rate table stores nothing and is told apart`() async throws {
        try await StoreFixture.run { fixture async throws in
            try await fixture.sql("DROP TABLE rate_events")
            let admission = Admission(
                signal: aSignal("a"), orders: [anOrder("a")], window: .zero, rate: RateRule(key: "tv", limit: 1, interval: .seconds(1)))
            let error = await failure { _ = try await fixture.store.admit(admission) }
            guard case .limiterUnavailable = error else { return #expect(Bool(false), "\(String(describing: error))") }
            #expect(try await fixture.count("signals") == 0)
            var unlimited = admission
            unlimited.rate = nil
            #expect(try await fixture.store.admit(unlimited) == .admitted)
        }
    }

    @Test(arguments: ["", "same", hash("a").uppercased(), hash("a") + "0", String(hash("a").dropLast())])
    func `a key that is no SHA-256 in hex is refused, and a neighbour in its batch is stored as it is`(_ key: String) async throws {
        try await StoreFixture.run { fixture async throws in
            let bad = aSignal("bad", key: SignalKey(hash: key, isExplicit: true))
            await expectFailure(\.isRefused) {
                _ = try await fixture.store.admit(Admission(signal: bad, orders: [], window: .zero, rate: nil))
            }
            var halfBad = aSignal("half")
            halfBad.bodyHash = key
            await expectFailure(\.isRefused) {
                _ = try await fixture.store.admit(Admission(signal: halfBad, orders: [], window: .zero, rate: nil))
            }
            try await fixture.admitOrder("good")
            #expect(try await fixture.store.signal("sig-good") == aSignal("good"))
            #expect(try await fixture.count("signals") == 1)
        }
    }

    @Test func `a signal whose second order is refused leaves nothing behind`() async throws {
        try await StoreFixture.run { fixture async throws in
            var second = anOrder("a")
            second.id = "ord-other"
            let admission = Admission(signal: aSignal("a"), orders: [anOrder("a"), second], window: .zero, rate: nil)
            await expectFailure(\.isRefused) { _ = try await fixture.store.admit(admission) }
            #expect(try await fixture.count("signals") == 0)
            #expect(try await fixture.count("orders") == 0)
            #expect(try await fixture.store.lastJournalSequence() == 0)
        }
    }

    @Test func `records come back as they were stored, also through a second process' handle`() async throws {
        try await StoreFixture.run { fixture async throws in
            var signal = aSignal("a")
            signal.firedAt = start - .seconds(3)
            signal.traceparent = "00-ab-cd-01"
            var order = anOrder("a", policy: OrderPolicy(cooldown: .milliseconds(1500), longOnly: true, observed: ["cooldown"]))
            order.requestedQuantity = try Quantity("0.12345678901234567890")
            _ = try await fixture.store.admit(Admission(signal: signal, orders: [order], window: .zero, rate: nil))
            // Nothing was closed: the second handle sees what a process after a crash would see.
            let second = try StoreFixture.open(fixture.path)
            #expect(try await second.store.signal("sig-a") == signal)
            #expect(try await second.store.order("ord-a")?.order == order)
            #expect(try await second.store.openOrders(of: "a1") == [order])
            #expect(try await second.store.order(account: "a1", clientOrderID: "c-a") == order)
            #expect(try await second.store.accountsWithOpenOrders() == ["a1"])
            await second.store.close()
        }
    }
}
