import LockContract
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import SQLiteStore

@Suite struct SharedWorkTests {
    private static let boot = HolderIdentity.current(gateway: "", purpose: "").bootID

    private func worker(_ gateway: String, startedAt: Timestamp = start, configuration: String = "c", version: String = "1") -> WorkerRecord {
        WorkerRecord(
            holder: HolderIdentity(gateway: gateway, host: "h", processID: 1, processStart: 2, bootID: Self.boot, purpose: "gateway"),
            programVersion: version, configurationHash: configuration, startedAt: startedAt)
    }

    private func open(_ worker: WorkerRecord, on fixture: StoreFixture, owner: OwnerToken = "o1") async throws(StoreError) -> (Tenure, Tenure?) {
        let opened = try await fixture.store.openTenure(
            TenureRequest(
                account: "a1", owner: owner, holder: worker.holder, leaseFence: FencingToken(epoch: 1, counter: 1),
                configurationHash: worker.configurationHash, at: start))
        return (opened.tenure, opened.unclosedPredecessor)
    }

    private func isRefusedAsMixed(_ worker: WorkerRecord, on fixture: StoreFixture) async -> Bool {
        do {
            _ = try await open(worker, on: fixture)
            return false
        } catch {
            if case .mixedVersions = error { return true }
            Issue.record("\(error)")
            return false
        }
    }

    @Test func `the silence of a worker is measured on the boot clock, and one that stopped is not live`() async throws {
        try await StoreFixture.run { fixture in
            let (a, b) = (worker("a"), worker("b", startedAt: start + .seconds(1)))
            try await fixture.store.heartbeat(a)
            try await fixture.store.heartbeat(b)
            fixture.clock.advance(by: .seconds(29))
            try await fixture.store.heartbeat(b)
            #expect(try await fixture.store.workers().map(\.isLive) == [true, true])
            fixture.clock.advance(by: .seconds(1))
            #expect(try await fixture.store.workers().map(\.silence) == [.seconds(30), .seconds(1)])
            #expect(try await fixture.store.workers().map(\.isLive) == [false, true])
            try await fixture.store.stopWorker(b.holder, at: start)
            #expect(try await fixture.store.workers().map(\.isLive) == [false, false])
            try await fixture.store.heartbeat(b)
            #expect(try await fixture.store.workers().last?.isLive == true)
        }
    }

    @Test func `beside an older live worker with another configuration no tenure is opened`() async throws {
        try await StoreFixture.run { fixture in
            let old = worker("old")
            let new = worker("new", startedAt: start + .seconds(5), configuration: "d")
            try await fixture.store.heartbeat(old)
            #expect(await isRefusedAsMixed(new, on: fixture), "without a heartbeat it counts as started last")
            try await fixture.store.heartbeat(new)
            #expect(await isRefusedAsMixed(new, on: fixture))
            #expect(await !isRefusedAsMixed(old, on: fixture), "the older one goes on")
            #expect(await !isRefusedAsMixed(worker("old", startedAt: start + .seconds(9), configuration: "d"), on: fixture), "its own successor")
            try await fixture.store.stopWorker(old.holder, at: start)
            #expect(await !isRefusedAsMixed(new, on: fixture))
        }
    }

    @Test func `another program on the same store waits too, and a silent one does not count`() async throws {
        try await StoreFixture.run { fixture in
            try await fixture.store.heartbeat(worker("old", version: "1"))
            let new = worker("new", startedAt: start + .seconds(5), version: "2")
            try await fixture.store.heartbeat(new)
            #expect(await isRefusedAsMixed(new, on: fixture))
            fixture.clock.advance(by: .seconds(30))
            try await fixture.store.heartbeat(new)
            #expect(await !isRefusedAsMixed(new, on: fixture))
        }
    }

    @Test func `what waits is claimed oldest first, without legs, sent orders and dead letters`() async throws {
        try await StoreFixture.run { fixture in
            for name in ["1", "2", "3"] { try await fixture.admitOrder(name) }
            try await fixture.admitOrder("4") { $0.account = "a2" }
            let (tenure, _) = try await open(worker("a"), on: fixture)
            try await fixture.permit("ord-2", under: tenure)
            #expect(try await fixture.store.claim(of: ["a1"], limit: 10).map(\.id) == ["ord-1", "ord-3"])
            #expect(try await fixture.store.claim(of: ["a1", "a2"], limit: 2).map(\.id) == ["ord-1", "ord-3"])
            #expect(try await fixture.store.queues().map(\.waiting) == [2, 1])
        }
    }

    @Test func `an order at which processes die is a dead letter after as many crashes, once for each tenure`() async throws {
        try await StoreFixture.run { fixture in
            try await fixture.admitOrder("poison")
            try await fixture.admitOrder("next")
            var (tenure, predecessor) = try await open(worker("a"), on: fixture, owner: "o0")
            var fallen = tenure
            for crash in 1...3 {
                fallen = tenure
                (tenure, predecessor) = try await open(worker("a"), on: fixture, owner: OwnerToken("o\(crash)"))
                #expect(predecessor == fallen)
                let dead = try await fixture.store.countCrash(of: fallen, under: tenure, limit: 3, at: start)
                #expect(dead.map(\.order.id) == (crash == 3 ? ["ord-poison"] : []))
                #expect(try await fixture.store.countCrash(of: fallen, under: tenure, limit: 1, at: start).isEmpty, "counted twice")
            }
            #expect(try await fixture.store.deadLetters().first?.crashes.count == 3)
            #expect(try await fixture.store.claim(of: ["a1"], limit: 10).map(\.id) == ["ord-next"])
            let current = tenure
            await expectFailure(\.isRefused) { try await fixture.permit("ord-poison", under: current) }
            #expect(try await fixture.store.queues().first.map { [$0.waiting, $0.deadLetters] } == [2, 1])

            let replayed = try await fixture.store.decide("ord-poison", .replay, by: "ada", reason: "mended", at: start)
            #expect(replayed.state == .queued)
            #expect(try await fixture.store.countCrash(of: fallen, under: current, limit: 1, at: start).isEmpty, "counted again after the replay")
            guard case .granted = try await fixture.permit("ord-poison", under: tenure) else { return #expect(Bool(false), "not granted") }
            let story = try await fixture.store.journal(of: "sig-poison").map(\.type).filter { $0.hasPrefix("order.") }
            #expect(story.suffix(3) == ["order.dead_letter", "order.dead_letter.replayed", "order.permitted"])
            await #expect(throws: StoreError.self) { try await fixture.store.decide("ord-poison", .replay, by: "ada", reason: "again", at: start) }
        }
    }

    @Test func `a crash counts against the orders whose permit the dead process held`() async throws {
        try await StoreFixture.run { fixture in
            try await fixture.admitOrder("sent")
            try await fixture.admitOrder("next")
            let (fallen, _) = try await open(worker("a"), on: fixture, owner: "o0")
            try await fixture.permit("ord-sent", under: fallen)
            let (tenure, _) = try await open(worker("a"), on: fixture, owner: "o1")
            let dead = try await fixture.store.countCrash(of: fallen, under: tenure, limit: 1, at: start)
            #expect(dead.map(\.order.id) == ["ord-sent", "ord-next"])
            // Its attempt may be at the venue: nobody can throw it away before that is settled.
            await expectFailure(\.isRefused) { _ = try await fixture.store.decide("ord-sent", .discard, by: "ada", reason: "x", at: start) }
            let discarded = try await fixture.store.decide("ord-next", .discard, by: "ada", reason: "not wanted", at: start)
            #expect(discarded.state == .blocked)
            #expect(discarded.reason == "discarded")
            #expect(try await fixture.store.verifyJournal() == nil)
        }
    }

    @Test func `a commit of another connection is told, and one of ours is not`() async throws {
        try await StoreFixture.run { fixture in
            let told = Counter()
            let watch = Task { for await _ in fixture.store.commitsOfOthers() { await told.add() } }
            // Until the watch is known to be at work, one commit of the other is followed by the next.
            var turn = 0
            try await waitUntil("the first is told") {
                turn += 1
                try await fixture.sql("UPDATE meta SET checked_at = \(turn)")
                return await told.value > 0
            }
            try await Task.sleep(for: .milliseconds(300))
            let before = await told.value
            for _ in 0..<20 { try await fixture.store.checkHealth(at: start) }
            try await Task.sleep(for: .milliseconds(300))
            #expect(await told.value == before)
            watch.cancel()
        }
    }

    @Test func `a copy is recalled with the first answer, and what is new is not`() async throws {
        try await StoreFixture.run { fixture in
            #expect(try await fixture.store.recall(aSignal("1"), window: .seconds(300)) == nil)
            try await fixture.admitOrder("1")
            let copy = try await fixture.store.recall(aSignal("1"), window: .seconds(300))
            #expect(copy == .duplicate(first: "sig-1", StoredAnswer(status: 202, body: "answer-1")))
            #expect(try await fixture.store.signal("sig-1")?.copies == 1)
            #expect(try await fixture.store.recall(aSignal("1", body: "other"), window: .seconds(300)) == .conflict(first: "sig-1"))
        }
    }
}

private actor Counter {
    private(set) var value = 0
    func add() { value += 1 }
}
