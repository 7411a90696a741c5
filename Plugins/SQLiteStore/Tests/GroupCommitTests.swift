import Foundation
import GRDB
import StoreContract
import Testing
import TradingModel

@testable import SQLiteStore

@Suite struct GroupCommitTests {
    @Test func `a work that makes the COMMIT fail fails alone`() async throws {
        try await StoreFixture.run { fixture async throws in
            let writer = CommitWriter(pool: fixture.pool) { _ in }
            let poison: @Sendable (StoreTransaction) throws -> Void = { transaction in
                try transaction.db.execute(sql: "PRAGMA defer_foreign_keys = ON")
                try anOrder("orphan").insert(transaction.db)
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
}
