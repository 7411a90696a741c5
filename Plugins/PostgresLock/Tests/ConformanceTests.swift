import ConformanceKit
import LockContract
import PostgresKit
import TestSupport
import Testing
import TradingModel

@testable import PostgresLock

/// A real server for each clause that stops it, one for all others, with a schema of its own for each.
struct PostgresLockHarness: LockHarness {
    let name = "postgres"

    func withSite(_ body: @escaping @Sendable (LockSite) async throws -> Void) async throws {
        try await PostgresUnderTest.with { server in
            try await body(
                LockSite(
                    port: server.port,
                    restart: {
                        try await server.crash()
                        try await server.start()
                    },
                    wipe: {
                        let connection = try await PostgresConnection.connect(PostgresConfiguration(url: Secret(server.url())))
                        _ = try await connection.run([PostgresStatement("DROP SCHEMA turnstile_locks CASCADE", isPrepared: false)])
                        await connection.close()
                    },
                    stop: { try await server.crash() }, start: { try await server.start() },
                    open: { wiring in
                        PostgresLock(
                            .init(url: Secret(server.url(port: wiring.port)), connectTimeout: .seconds(5), requestTimeout: .seconds(2)), clock: wiring.clock)
                    }))
        }
    }
}

@Suite struct PostgresLockConformance {
    @Test(arguments: LockConformance.clauses)
    func `keeps the lock contract`(_ clause: LockClause) async {
        let result = await clause.check(PostgresLockHarness())
        #expect(!result.isFailure, "\(clause.id): \(result)")
    }
}
