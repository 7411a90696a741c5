import ConformanceKit
import PostgresKit
import TestSupport
import Testing
import TradingModel

/// A table of its own on the tests' server.
func withTable(_ body: (String, PostgresUnderTest) async throws -> Void) async throws {
    let name = "t_\(UInt64.random(in: 0 ... .max))"
    try await withConnection { _ = try await $0.run([once("CREATE TABLE \(name) (n bigint PRIMARY KEY)")]) }
    try await body(name, try await PostgresUnderTest.common())
    try await withConnection { _ = try await $0.run([once("DROP TABLE \(name)")]) }
}

func rows(_ table: String) async throws -> Int {
    var count = 0
    try await withConnection { count = Int(try await $0.run([once("SELECT count(*) FROM \(table)")])[0].first?.integer(0) ?? -1) }
    return count
}

/// A proxy before the tests' server.
func withProxy(_ body: (TCPProxy) async throws -> Void) async throws {
    let proxy = try await TCPProxy.start(to: try await PostgresUnderTest.common().port)
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body(proxy)) } catch { outcome = .failure(error) }
    await proxy.stop()
    try outcome.get()
}

@Suite struct TransactionTests {
    @Test func `writes that were put off are stored with the commit, and not at all after a rollback`() async throws {
        try await withTable { (table, _) async throws in
            try await withConnection { connection async throws in
                let first = PostgresTransaction(on: connection)
                try await first.write(sql("INSERT INTO \(table) VALUES (1)"), rows: 1)
                #expect(try await first.ask(sql("SELECT count(*) FROM \(table)")).first?.integer(0) == 1)
                try await first.write(sql("INSERT INTO \(table) VALUES (2)"), rows: 1)
                try await first.commit()
                let second = PostgresTransaction(on: connection)
                try await second.write(sql("INSERT INTO \(table) VALUES (3)"))
                try await second.flush()
                await second.rollback()
                #expect(try await rows(table) == 2)
                #expect(connection.isOpen)
            }
        }
    }

    @Test func `a write that touches another number of rows fails the transaction`() async throws {
        try await withTable { (table, _) async throws in
            try await withConnection { connection async throws in
                let transaction = PostgresTransaction(on: connection)
                try await transaction.write(sql("INSERT INTO \(table) VALUES (1)"))
                try await transaction.write(sql("UPDATE \(table) SET n = 5 WHERE n = 9"), rows: 1)
                #expect(await failure { try await transaction.commit() }?.kind == .malformed)
                await transaction.rollback()
                #expect(try await rows(table) == 0)
            }
        }
    }

    @Test func `a put-off failure appears at the commit, and nothing is stored`() async throws {
        try await withTable { (table, _) async throws in
            try await withConnection { connection async throws in
                let transaction = PostgresTransaction(on: connection)
                try await transaction.write(sql("INSERT INTO \(table) VALUES (1)"))
                try await transaction.write(sql("INSERT INTO \(table) VALUES (1)"))
                #expect(await failure { try await transaction.commit() }?.state == .uniqueViolation)
                await transaction.rollback()
                #expect(try await rows(table) == 0)
                #expect(try await connection.run([sql("SELECT 1")]).count == 1)
            }
        }
    }

    @Test func `a COMMIT whose answer is cut off has an unknown outcome, whether it happened or not`() async throws {
        for (direction, isStored) in [(TCPProxy.Direction.toClient, true), (.toServer, false)] {
            try await withTable { (table, _) async throws in
                try await withProxy { proxy async throws in
                    try await withConnection(port: proxy.port) { connection async throws in
                        let transaction = PostgresTransaction(on: connection)
                        try await transaction.write(sql("INSERT INTO \(table) VALUES (1)"))
                        try await transaction.flush()
                        proxy.set(.init(cutAfter: 1), direction)
                        #expect(await failure { try await transaction.commit() }?.kind == .outcomeUnknown)
                        #expect(!connection.isOpen)
                    }
                }
                #expect(try await rows(table) == (isStored ? 1 : 0))
            }
        }
    }

    @Test func `a connection that is cut within a transaction is lost, and the server undoes it`() async throws {
        try await withTable { (table, _) async throws in
            try await withProxy { proxy async throws in
                try await withConnection(port: proxy.port) { connection async throws in
                    let transaction = PostgresTransaction(on: connection)
                    _ = try await transaction.ask(sql("INSERT INTO \(table) VALUES (1)"))
                    proxy.set(.init(cutAfter: 1), .toClient)
                    #expect(await failure { _ = try await transaction.ask(sql("INSERT INTO \(table) VALUES (2)")) }?.kind == .connectionLost)
                }
            }
            try await waitUntil("the server has undone it", within: .seconds(60)) { try await rows(table) == 0 }
        }
    }

    @Test func `a statement outside a transaction commits by itself, so a lost answer leaves its outcome unknown`() async throws {
        try await withTable { (table, _) async throws in
            try await withProxy { proxy async throws in
                try await withConnection(port: proxy.port) { connection async throws in
                    proxy.set(.init(cutAfter: 1), .toClient)
                    #expect(await failure { _ = try await connection.run([sql("INSERT INTO \(table) VALUES (1)")]) }?.kind == .outcomeUnknown)
                }
            }
            #expect(try await rows(table) == 1)
        }
    }

    @Test func `an answer that never comes ends the connection`() async throws {
        try await withProxy { proxy async throws in
            let server = try await PostgresUnderTest.common()
            let connection = try await PostgresConnection.connect(
                PostgresConfiguration(url: Secret(server.url(port: proxy.port)), connectTimeout: .seconds(30), statementTimeout: .seconds(1)))
            proxy.set(.init(isSilent: true), .toClient)
            #expect(await failure { _ = try await connection.run([sql("SELECT 1")]) }?.kind == .outcomeUnknown)
            #expect(!connection.isOpen)
        }
    }

    @Test func `a server that takes the connection and says nothing is not connected`() async throws {
        try await withProxy { proxy async throws in
            let server = try await PostgresUnderTest.common()
            proxy.set(.init(isSilent: true), .toClient)
            let error = await failure {
                _ = try await PostgresConnection.connect(
                    PostgresConfiguration(url: Secret(server.url(port: proxy.port, parameters: "?sslmode=disable")), connectTimeout: .milliseconds(300)))
            }
            #expect(error?.kind == .notConnected)
        }
    }
}
