import ConformanceKit
import Foundation
import TestSupport
import Testing
import TradingModel

@testable import PostgresKit

@Suite struct SafetyTests {
    private func check(_ url: String) async -> PostgresError? {
        await failure {
            let connection = try await PostgresConnection.connect(
                PostgresConfiguration(url: Secret(url), connectTimeout: .seconds(30), statementTimeout: .seconds(60)))
            let outcome: Result<ServerIdentity, any Error>
            do { outcome = .success(try await ServerSafety.check(connection)) } catch { outcome = .failure(error) }
            await connection.close()
            _ = try outcome.get()
        }
    }

    @Test func `a server as it is installed is safe, and names itself`() async throws {
        try await withConnection { connection async throws in
            let identity = try await ServerSafety.check(connection)
            #expect(identity.timeline == 1 && identity.system.count > 10)
        }
    }

    @Test(arguments: ["synchronous_commit%3Doff", "default_transaction_read_only%3Don"])
    func `a session that may lose commits or cannot write is refused`(_ option: String) async throws {
        let error = await check(try await PostgresUnderTest.common().url(parameters: "?options=-c%20\(option)"))
        #expect(error?.kind == .unsafeServer, "\(String(describing: error))")
    }

    @Test func `without fsync or full pages, and as a standby, a server is refused`() async throws {
        try await PostgresUnderTest.with(["fsync=off"]) { server async throws in
            let error = await check(server.url())
            #expect(error?.kind == .unsafeServer && error?.message.contains("fsync") == true)
        }
        try await PostgresUnderTest.with(["full_page_writes=off"]) { server async throws in
            let pages = await check(server.url())
            #expect(pages?.kind == .unsafeServer && pages?.message.contains("full_page_writes") == true)
            try await server.stop()
            let signal = server.data + "/standby.signal"
            try Data().write(to: URL(fileURLWithPath: signal))
            try await server.start()
            let standby = await check(server.url())
            #expect(standby?.kind == .unsafeServer && standby?.message.contains("standby") == true, "\(String(describing: standby))")
        }
    }

    @Test(arguments: ["transaction", "session"])
    func `a pooler between us and the server is refused`(_ mode: String) async throws {
        let server = try await PostgresUnderTest.common()
        try await PgBouncerUnderTest.with(server, mode: mode) { pooler async throws in
            let error = await check(server.url(port: pooler.port, parameters: "?sslmode=disable"))
            #expect(error?.kind == .unsafeServer && error?.message.contains("pooler") == true, "\(String(describing: error))")
        }
    }

    @Test func `to a server elsewhere TLS with a verified name is the default, and the URL has the last word`() {
        func mode(_ url: String) -> String? { PostgresConfiguration(url: Secret(url)).parameters.first { $0.0 == "sslmode" }?.1 }
        #expect(mode("postgresql://u@db.example.com/x") == "verify-full")
        #expect(mode("postgresql://u@db.example.com,127.0.0.1/x") == "verify-full")
        #expect(mode("host=10.0.0.1 dbname=x") == "verify-full")
        #expect(mode("postgresql://u@127.0.0.1:5432/x") == nil && mode("postgresql://u@/x?host=/var/run/postgresql") == nil)
        // Later parameters win, and the URL is the last.
        #expect(PostgresConfiguration(url: Secret("postgresql://u@db.example.com/x?sslmode=require")).parameters.last?.0 == "dbname")
        #expect(!PostgresConfiguration(url: Secret("postgresql://[bad")).isReadable && !PostgresConfiguration(url: Secret("")).isReadable)
    }

    @Test func `TLS with a verified name connects to the right server and to no other`() async throws {
        try await PostgresUnderTest.with { server async throws in
            let certificate = try await server.makeCertificate(for: "db.test")
            let connection = try await PostgresConnection.connect(
                PostgresConfiguration(url: Secret(server.url()), connectTimeout: .seconds(30), statementTimeout: .seconds(60)))
            _ = try await connection.run([once("ALTER SYSTEM SET ssl = on")])
            _ = try await connection.run([once("SELECT pg_reload_conf()")])
            await connection.close()
            func encrypted(_ host: String, _ parameters: String) async throws -> Bool {
                let url = "postgresql://postgres@\(host):\(server.port)/postgres?hostaddr=127.0.0.1&\(parameters)"
                let connection = try await PostgresConnection.connect(
                    PostgresConfiguration(url: Secret(url), connectTimeout: .seconds(30), statementTimeout: .seconds(60)))
                let isEncrypted = await connection.isEncrypted
                await connection.close()
                return isEncrypted
            }
            let verified = "sslmode=verify-full&sslrootcert=\(certificate)"
            try await waitUntil("the server speaks TLS", within: .seconds(60)) { (try? await encrypted("db.test", verified)) == true }
            #expect(await failure { _ = try await encrypted("other.test", verified) }?.kind == .notConnected)
            #expect(await failure { _ = try await encrypted("db.test", "sslmode=verify-full&sslrootcert=/nowhere/root.crt") }?.kind == .notConnected)
        }
    }
}
