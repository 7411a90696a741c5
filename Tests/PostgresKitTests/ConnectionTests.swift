import ConformanceKit
import PostgresKit
import TestSupport
import Testing
import TradingModel

/// A connection to the tests' server, closed afterwards.
func withConnection(_ parameters: String = "", port: Int? = nil, _ body: (PostgresConnection) async throws -> Void) async throws {
    let server = try await PostgresUnderTest.common()
    let connection = try await PostgresConnection.connect(
        PostgresConfiguration(url: Secret(server.url(port: port, parameters: parameters)), connectTimeout: .seconds(30), statementTimeout: .seconds(60)))
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body(connection)) } catch { outcome = .failure(error) }
    await connection.close()
    try outcome.get()
}

func failure(_ body: () async throws -> Void) async -> PostgresError? {
    do { try await body() } catch { return error as? PostgresError }
    return nil
}

func sql(_ text: String, _ values: PostgresValue...) -> PostgresStatement { PostgresStatement(text, values) }
func once(_ text: String) -> PostgresStatement { PostgresStatement(text, isPrepared: false) }

@Suite struct ConnectionTests {
    @Test func `values travel as they are`() async throws {
        try await withConnection { connection async throws in
            let text = "é ☂ '\" \\ % $1 \n\t\u{1F600}"
            let statement = sql(
                "SELECT $1::text, $2::bigint, $3::boolean, $4::text, $5::numeric, ''::text", .text(text), .integer(.min), .flag(true), .null,
                .text("12345678901234567890.00000001"))
            for _ in 0..<3 {
                let row = try #require(try await connection.run([statement]).first?.first)
                #expect(try row.text(0) == text && row.integer(1) == .min && row.flag(2))
                #expect(row.optionalText(3) == nil && row.optionalText(4) == "12345678901234567890.00000001" && row.optionalText(5) == "")
                #expect(row.optionalText(99) == nil)
                #expect(throws: PostgresError.self) { try row.integer(0) }
            }
        }
    }

    @Test func `connections that come and go in many tasks, ended by either side, harm nobody`() async throws {
        let server = try await PostgresUnderTest.common()
        let ended = await withTaskGroup(of: Int.self) { group in
            for task in 0..<8 {
                group.addTask {
                    var ended = 0
                    for round in 0..<40 {
                        let isRefused = (task + round) % 4 == 3
                        let configuration = PostgresConfiguration(
                            url: Secret(server.url(port: isRefused ? 1 : nil)), connectTimeout: .seconds(30), statementTimeout: .seconds(60))
                        guard let connection = try? await PostgresConnection.connect(configuration) else {
                            if isRefused { ended += 1 }
                            continue
                        }
                        let isKilled = round % 2 == 0
                        let error = await failure { _ = try await connection.run([once(isKilled ? "SELECT pg_terminate_backend(pg_backend_pid())" : "SELECT 1")]) }
                        if (error == nil) != isKilled { ended += 1 }
                        await connection.close()
                    }
                    return ended
                }
            }
            return await group.reduce(0, +)
        }
        #expect(ended == 320)
    }

    @Test func `a text with the character NUL is refused before it is cut off`() async throws {
        try await withConnection { connection async throws in
            let error = await failure { _ = try await connection.run([sql("SELECT $1::text", .text("a\0b"))]) }
            #expect(error?.state?.isRefusal == true)
            #expect(try await connection.run([sql("SELECT 1")]).count == 1)
        }
    }

    @Test func `a batch is one round trip and one transaction, and what follows an error does not run`() async throws {
        try await withConnection { connection async throws in
            _ = try await connection.run([once("CREATE TEMPORARY TABLE t (n bigint PRIMARY KEY)")])
            let error = await failure {
                _ = try await connection.run([
                    sql("INSERT INTO t VALUES ($1)", .integer(1)), sql("INSERT INTO t VALUES ($1)", .integer(1)), sql("INSERT INTO t VALUES ($1)", .integer(2)),
                ])
            }
            #expect(error?.state == .uniqueViolation)
            #expect(try await connection.run([sql("SELECT count(*) FROM t")])[0].first?.integer(0) == 0)
            let results = try await connection.run((0..<500).map { sql("INSERT INTO t VALUES ($1)", .integer($0)) } + [sql("UPDATE t SET n = n + 1000")])
            #expect(results.last?.affected == 500 && results.count == 501)
        }
    }

    @Test func `a statement that cannot be prepared leaves the connection and its name usable`() async throws {
        try await withConnection { connection async throws in
            for _ in 0..<2 {
                let error = await failure { _ = try await connection.run([sql("SELECT * FROM later"), sql("SELECT 7")]) }
                #expect(error?.state == .undefinedTable)
            }
            _ = try await connection.run([once("CREATE TEMPORARY TABLE later (n bigint)")])
            #expect(try await connection.run([sql("SELECT * FROM later"), sql("SELECT 7")])[1].first?.integer(0) == 7)
        }
    }

    @Test func `large batches with large answers do not block each other`() async throws {
        try await withConnection { connection async throws in
            let body = String(repeating: "x", count: 20_000)
            let statements = (0..<200).map { _ in sql("SELECT $1::text || $1::text", .text(body)) }
            let results = try await connection.run(statements)
            #expect(results.allSatisfy { $0.first?.optionalText(0)?.utf8.count == 40_000 })
        }
    }

    @Test func `many callers of one connection each get their own answer`() async throws {
        try await withConnection { connection async throws in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask { try await connection.run([sql("SELECT $1::bigint", .integer(Int64(number)))])[0].first?.integer(0) == Int64(number) }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test func `a cancelled caller leaves no unread answer behind`() async throws {
        try await withConnection { connection async throws in
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = try? await connection.run([sql("SELECT pg_sleep(0.01), 'other'")]) } }
                group.cancelAll()
            }
            #expect(try await connection.run([sql("SELECT 'mine'")])[0].first?.text(0) == "mine")
        }
    }

    @Test func `notices of the server do no harm`() async throws {
        try await withConnection { connection async throws in
            _ = try await connection.run([once("SET client_min_messages = 'debug5'"), once("DO $$ BEGIN FOR i IN 1..200 LOOP RAISE NOTICE 'n %', i; END LOOP; END $$")])
            #expect(try await connection.run([sql("SELECT 1")]).count == 1)
        }
    }

    @Test func `what others notify is told in order, and the stream ends with the connection`() async throws {
        try await withConnection { listening async throws in
            let stream = try await listening.listen("a \"channel\"")
            try await withConnection { other async throws in
                for number in 0..<20 { _ = try await other.run([sql("SELECT pg_notify($1, $2)", "a \"channel\"", .text("\(number)"))]) }
            }
            var told: [String] = []
            for await notification in stream {
                told.append(notification.payload)
                if told.count == 20 { await listening.close() }
            }
            #expect(told == (0..<20).map(String.init))
        }
    }

    @Test func `a closed connection says so and sends nothing`() async throws {
        try await withConnection { connection async throws in
            await connection.close()
            #expect(!connection.isOpen)
            #expect(await failure { _ = try await connection.run([sql("SELECT 1")]) }?.kind == .connectionLost)
        }
    }

    @Test func `a port where nobody listens is not connected`() async throws {
        let proxy = try await TCPProxy.start(to: 1)
        let port = proxy.port
        await proxy.stop()
        let error = await failure {
            _ = try await PostgresConnection.connect(PostgresConfiguration(url: Secret("postgresql://postgres@127.0.0.1:\(port)/x")))
        }
        #expect(error?.kind == .notConnected)
    }

    @Test func `a connection that is dropped without closing ends at the server`() async throws {
        try await withConnection { watching async throws in
            let server = try await PostgresUnderTest.common()
            var process: Int64 = 0
            do {
                let dropped = try await PostgresConnection.connect(PostgresConfiguration(url: Secret(server.url())))
                process = try await dropped.run([sql("SELECT pg_backend_pid()")])[0].first?.integer(0) ?? 0
            }
            let gone = process
            try await waitUntil("the session is gone", within: .seconds(60)) {
                try await watching.run([sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", .integer(gone))])[0].first?.integer(0) == 0
            }
        }
    }
}
