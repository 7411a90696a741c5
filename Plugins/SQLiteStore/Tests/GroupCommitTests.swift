import Foundation
import GRDB
import StoreContract
import Testing
import TradingModel

@testable import SQLiteStore

@Suite struct GroupCommitTests {
    @Test func `a work that fails in a batch does not harm its neighbours, nor the chain`() async throws {
        try await StoreFixture.run { fixture async throws in
            // Every third order breaks a constraint after its signal was already written.
            let stored = await fixture.storeMany(60) { number, order in
                if number % 3 == 0 { order.limitPrice = nil }
            }
            #expect(stored == 40)
            #expect(try await fixture.count("signals") == 40)
            #expect(try await fixture.count("orders") == 40)
            #expect(try await fixture.store.verifyJournal() == nil)
        }
    }

    @Test func `a work that makes the COMMIT fail fails alone`() async throws {
        try await StoreFixture.run { fixture async throws in
            let writer = CommitWriter(pool: fixture.pool) { _ in }
            let poison: @Sendable (StoreTransaction) throws -> Void = { transaction in
                try transaction.db.execute(sql: "PRAGMA defer_foreign_keys = ON")
                try anOrder("orphan").insert(with: &transaction.statements.order, requestedQuantity: "2")
            }
            let results = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<30 {
                    group.addTask {
                        do {
                            try await writer.write { transaction in
                                if number == 7 { try poison(transaction) }
                                try transaction.journal.write(JournalDraft(type: "n", data: "{}"), at: start)
                            }
                            return true
                        } catch { return false }
                    }
                }
                return await group.reduce(into: [true: 0, false: 0]) { $0[$1, default: 0] += 1 }
            }
            #expect(results == [true: 29, false: 1])
            #expect(try await fixture.store.lastJournalSequence() == 29)
            #expect(try await fixture.store.verifyJournal() == nil)
        }
    }

    @Test func `a work that rolls the whole transaction back fails alone`() async throws {
        try await StoreFixture.run { fixture async throws in
            let results = await withTaskGroup(of: Bool.self) { group in
                let writer = CommitWriter(pool: fixture.pool) { _ in }
                for number in 0..<30 {
                    group.addTask {
                        do {
                            try await writer.write { transaction in
                                try transaction.journal.write(JournalDraft(type: "n", data: "{}"), at: start)
                                if number == 7 { try transaction.db.execute(sql: "INSERT OR ROLLBACK INTO meta SELECT * FROM meta") }
                            }
                            return true
                        } catch { return false }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(results == 29)
            #expect(try await fixture.store.lastJournalSequence() == 29)
            #expect(try await fixture.store.verifyJournal() == nil)
        }
    }

    @Test func `a cancelled caller tears nothing`() async throws {
        try await StoreFixture.run { fixture async throws in
            await withTaskGroup(of: Void.self) { group in
                for name in 0..<50 { group.addTask { _ = try? await fixture.admitOrder("\(name)") } }
                group.cancelAll()
            }
            #expect(try await fixture.count("signals") == 50)
            #expect(try await fixture.count("orders") == 50)
            #expect(try await fixture.store.verifyJournal() == nil)
        }
    }

    @Test func `watchers are told the latest sequence, each on a stream of its own, until the store closes`() async throws {
        try await StoreFixture.run { fixture async throws in
            let first = fixture.store.commits()
            let second = fixture.store.commits()
            for name in ["a", "b", "c"] { try await fixture.admitOrder(name) }
            await fixture.store.close()
            for stream in [first, second] {
                var told: [Int64] = []
                for await sequence in stream { told.append(sequence) }
                #expect(told == [6])
            }
            await expectFailure(\.isUnavailable) { try await fixture.admitOrder("late") }
            await expectFailure(\.isUnavailable) { _ = try await fixture.store.lastJournalSequence() }
        }
    }

    @Test func `closing commits what waits`() async throws {
        try await StoreFixture.run { fixture async throws in
            async let stored = fixture.storeMany(200)
            await fixture.store.close()
            let count = await stored
            let again = try StoreFixture.open(fixture.path)
            #expect(try await again.count("signals") == count)
            #expect(try await again.store.verifyJournal() == nil)
            await again.store.close()
        }
    }
}

extension StoreFixture {
    /// Admits many orders at once and returns how many were stored.
    func storeMany(_ count: Int, change: @escaping @Sendable (Int, inout OrderRecord) -> Void = { _, _ in }) async -> Int {
        await withTaskGroup(of: Bool.self) { group in
            for name in 0..<count { group.addTask { (try? await admitOrder("m\(name)") { change(name, &$0) }) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }
}
