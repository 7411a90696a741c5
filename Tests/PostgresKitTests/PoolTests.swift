import ConformanceKit
import PostgresKit
import TestSupport
import Testing
import TradingModel

func makePool(
    _ options: PostgresPool.Options, url: String? = nil, clock: any TradingClock = SystemClock(),
    admit: @escaping @Sendable (PostgresConnection) async throws(PostgresError) -> Void = { _ in }
) async throws -> PostgresPool {
    let common = try await PostgresUnderTest.common().url()
    return PostgresPool(
        PostgresConfiguration(url: Secret(url ?? common), connectTimeout: .seconds(30), statementTimeout: .seconds(60)), options: options, clock: clock,
        admit: admit)
}

/// Holds whoever waits until it is opened.
actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
    func pass() async {
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
    }
}

@Suite struct PoolTests {
    private func process(_ pool: PostgresPool) async throws -> Int64? {
        try await pool.withConnection { connection throws(PostgresError) in try await connection.run([sql("SELECT pg_backend_pid()")])[0].first?.integer(0) }
    }

    @Test func `a hundred callers share four connections`() async throws {
        let pool = try await makePool(.init(size: 4, acquireTimeout: .seconds(120)))
        let processes = try await withThrowingTaskGroup(of: Int64?.self) { group in
            for _ in 0..<100 { group.addTask { try await self.process(pool) } }
            return try await group.reduce(into: Set<Int64?>()) { $0.insert($1) }
        }
        #expect((1...4).contains(processes.count) && pool.gauges.opened <= 4)
        #expect(pool.gauges.inUse == 0 && pool.gauges.waiting == 0 && pool.gauges.idle == pool.gauges.opened)
        await pool.close()
        #expect(await failure { _ = try await self.process(pool) }?.kind == .notConnected)
    }

    @Test func `who waits too long is told, and who is cancelled while waiting leaves`() async throws {
        let pool = try await makePool(.init(size: 1, acquireTimeout: .milliseconds(200)))
        let gate = Gate()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pool.withConnection { _ throws(PostgresError) in await gate.pass() } }
            try await waitUntil("the connection is in use", within: .seconds(60)) { pool.gauges.inUse == 1 && pool.gauges.opened == 1 }
            #expect(await failure { _ = try await self.process(pool) }?.kind == .poolTimedOut)
            #expect(pool.gauges.timeouts == 1)
            let cancelled = await withTaskGroup(of: PostgresError.Kind?.self) { inner in
                inner.addTask { await failure { _ = try await self.process(pool) }?.kind }
                inner.cancelAll()
                return await inner.next() ?? nil
            }
            #expect(cancelled == .cancelled)
            await gate.open()
            try await group.waitForAll()
        }
        #expect(try await process(pool) != nil)
        await pool.close()
    }

    @Test func `a server that goes silent costs its time once, and the connections that it had are not used again`() async throws {
        try await withProxy { proxy async throws in
            let pool = try await makePool(.init(size: 4, acquireTimeout: .seconds(120), idleCheck: .seconds(600)), url: PostgresUnderTest.common().url(port: proxy.port))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<40 { group.addTask { try await pool.ping(within: .seconds(60)) } }
                try await group.waitForAll()
            }
            #expect(pool.gauges.open == pool.gauges.idle && pool.gauges.open > 0)
            proxy.set(.init(isSilent: true), .toServer, .toClient)
            #expect(await failure { try await pool.ping(within: .milliseconds(300)) }?.kind == .outcomeUnknown)
            #expect(pool.gauges.open == 0)
            proxy.set(nil, .toServer, .toClient)
            try await waitUntil("a new connection works", within: .seconds(60)) { await failure { try await pool.ping(within: .seconds(60)) } == nil }
            await pool.close()
        }
    }

    @Test func `waiters are served in their order`() async throws {
        let pool = try await makePool(.init(size: 1, acquireTimeout: .seconds(120)))
        let gate = Gate()
        let order = Order()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pool.withConnection { _ throws(PostgresError) in await gate.pass() } }
            try await waitUntil("the connection is in use", within: .seconds(60)) { pool.gauges.opened == 1 && pool.gauges.inUse == 1 }
            for number in 0..<10 {
                group.addTask { try await pool.withConnection { _ throws(PostgresError) in await order.add(number) } }
                try await waitUntil("\(number) waits", within: .seconds(60)) { pool.gauges.waiting == number + 1 }
            }
            await gate.open()
            try await group.waitForAll()
        }
        #expect(await order.numbers == Array(0..<10))
        await pool.close()
    }

    private actor Order {
        var numbers: [Int] = []
        func add(_ number: Int) { numbers.append(number) }
    }

    @Test func `an old connection is replaced, and one that died idle is noticed`() async throws {
        let clock = ManualClock()
        let pool = try await makePool(.init(size: 1, acquireTimeout: .seconds(120), maxAge: .seconds(100), idleCheck: .seconds(10)), clock: clock)
        let first = try await process(pool)
        #expect(try await process(pool) == first)
        clock.advance(by: .seconds(101))
        let second = try await process(pool)
        #expect(second != first)
        try await withConnection { _ = try await $0.run([sql("SELECT pg_terminate_backend($1::bigint::int)", PostgresValue(second))]) }
        clock.advance(by: .seconds(11))
        #expect(try await process(pool) != second)
        #expect(pool.gauges.opened == 3)
        await pool.close()
    }

    @Test func `a transaction that was left open does not come back to the pool`() async throws {
        let pool = try await makePool(.init(size: 1, acquireTimeout: .seconds(120)))
        let first = try await process(pool)
        try await pool.withConnection { connection throws(PostgresError) in _ = try await connection.run([once("BEGIN"), sql("SELECT 1")]) }
        #expect(try await process(pool) != first)
        await pool.close()
    }

    @Test func `at the server's connection limit callers share the connections that there are`() async throws {
        let server = try await PostgresUnderTest.common()
        let role = "r_\(UInt64.random(in: 0 ... .max))"
        try await withConnection { _ = try await $0.run([once("CREATE ROLE \(role) LOGIN CONNECTION LIMIT 2")]) }
        let url = server.url().replacing("postgres@", with: "\(role)@")
        let pool = try await makePool(.init(size: 8, acquireTimeout: .seconds(120)), url: url)
        let done = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<60 {
                group.addTask {
                    try await pool.withConnection { connection throws(PostgresError) in try await connection.run([sql("SELECT pg_sleep(0.005)")]).count }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(done == 60 && pool.gauges.opened <= 2)
        await pool.close()
        try await waitUntil("the role is free", within: .seconds(60)) {
            await failure { try await withConnection { _ = try await $0.run([once("DROP ROLE \(role)")]) } } == nil
        }
    }

    @Test func `at a limit of none a caller is told`() async throws {
        let server = try await PostgresUnderTest.common()
        let role = "r_\(UInt64.random(in: 0 ... .max))"
        try await withConnection { _ = try await $0.run([once("CREATE ROLE \(role) LOGIN CONNECTION LIMIT 0")]) }
        let pool = try await makePool(.init(size: 2, acquireTimeout: .seconds(60)), url: server.url().replacing("postgres@", with: "\(role)@"))
        #expect(await failure { _ = try await self.process(pool) }?.kind == .notConnected)
        await pool.close()
        try await withConnection { _ = try await $0.run([once("DROP ROLE \(role)")]) }
    }
}
