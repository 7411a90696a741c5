import Foundation
import GRDB
import Testing

@testable import SQLiteStore

@Suite struct CheckpointTests {
    @Test func `the log is folded beside the writer, who ends it, and then begins anew`() async throws {
        try await StoreFixture.run { fixture async throws in
            let checkpointer = Checkpointer(path: fixture.path, pagesBeforeFolding: 20)
            /// One commit of some pages, and whether the writer is then to fold the rest.
            func commit() throws -> Bool {
                let pages = try fixture.pool.writeWithoutTransaction { db in
                    try db.execute(sql: "INSERT INTO rate_events (key, at) VALUES (hex(randomblob(20000)), 1)")
                    return db.takeWrittenPages()
                }
                #expect(pages > 0)
                return checkpointer.noteCommit(pages: pages)
            }
            _ = try await fixture.pool.writeWithoutTransaction { db in
                _ = try db.checkpoint(.passive)
                return db.takeWrittenPages()
            }
            let before = try fileSize(fixture)
            var isForWriter = false
            for _ in 0..<10 where !isForWriter {
                isForWriter = try commit()
                // What is being folded is folded before the next commit.
                await checkpointer.settle()
            }
            #expect(isForWriter)
            #expect(try fileSize(fixture) >= before + 20 * 4096)
            let rest = try await fixture.pool.writeWithoutTransaction { try $0.checkpoint(.passive) }
            #expect(rest.walFrameCount == rest.checkpointedFrameCount)
            #expect(try commit() == false)
            await checkpointer.settle()
            let next = try await fixture.pool.writeWithoutTransaction { try $0.checkpoint(.passive) }
            #expect(next.walFrameCount < rest.walFrameCount)
        }
    }

    private func fileSize(_ fixture: StoreFixture) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: fixture.path)[.size] as? Int ?? 0
    }

    @Test func `a store that writes much keeps its log short and loses nothing`() async throws {
        try await StoreFixture.run { fixture async throws in
            let checkpointer = Checkpointer(path: fixture.path, pagesBeforeFolding: 50)
            let writer = CommitWriter(pool: fixture.pool, checkpointer: checkpointer) { _ in }
            for round in 0..<100 {
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<20 {
                        group.addTask {
                            _ = try? await writer.write { transaction in
                                try transaction.journal.write(.init(type: "n", data: "{\"n\":\"\(round)-\(number)-\(String(repeating: "x", count: 500))\"}"), at: start)
                            }
                        }
                    }
                }
            }
            await writer.close()
            #expect(try await fixture.store.lastJournalSequence() == 2000)
            #expect(try await fixture.store.verifyJournal() == nil)
        }
    }
}
