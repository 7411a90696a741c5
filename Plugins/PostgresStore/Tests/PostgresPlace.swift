import ConformanceKit
import Foundation
import Logging
import PostgresKit
import StoreContract
import TradingModel

@testable import PostgresStore

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A schema of its own for each clause, on the one server of the tests.
struct PostgresHarness: StoreHarness {
    func withPlace(_ body: @escaping @Sendable (any StorePlace) async throws -> Void) async throws {
        try await PostgresPlace.with { try await body($0) }
    }
}

struct PostgresPlace: StorePlace {
    let schema: String
    let url: String

    static func with(on server: PostgresUnderTest? = nil, _ body: (PostgresPlace) async throws -> Void) async throws {
        let server = if let server { server } else { try await PostgresUnderTest.common() }
        let place = PostgresPlace(schema: "t_" + UUID().uuidString.lowercased().replacing("-", with: ""), url: server.url())
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(place)) } catch { outcome = .failure(error) }
        _ = try? await place.query("DROP SCHEMA \(place.schema) CASCADE")
        try outcome.get()
    }

    func configuration(_ url: String? = nil) -> PostgresStorePlugin.Configuration {
        // Room for a machine that is busy with other tests.
        .init(
            url: Secret(url ?? self.url), schema: schema, pool: .init(size: 3, acquireTimeout: .seconds(60)), connectTimeout: .seconds(30),
            statementTimeout: .seconds(60))
    }

    func open() async throws -> any OrderStore { try await open(configuration()) }

    func open(_ configuration: PostgresStorePlugin.Configuration) async throws -> PostgresOrderStore {
        try await PostgresOrderStore.open(configuration, context: StoreContext(clock: SystemClock(), logger: quiet))
    }

    func execute(_ sql: String) async throws {
        do { _ = try await query(sql) } catch let error as PostgresError where error.state?.isRefusal == true { throw TableRefusal("\(error)") }
    }

    func executeUnguarded(_ sql: String) async throws { _ = try await query("SET session_replication_role = replica", sql) }

    func count(_ table: String) async throws -> Int { Int(try await query("SELECT count(*) FROM \(table)")?.integer(0) ?? -1) }

    /// Runs statements on a connection of its own and returns the last one's first row.
    @discardableResult
    func query(_ statements: String...) async throws -> PostgresRow? {
        let connection = try await PostgresConnection.connect(
            PostgresConfiguration(url: Secret(url), connectTimeout: .seconds(30), statementTimeout: .seconds(60), schema: schema))
        let result: Result<PostgresRow?, any Error>
        do {
            result = .success(try await connection.run(statements.map { PostgresStatement($0, isPrepared: false) }).last?.first)
        } catch { result = .failure(error) }
        await connection.close()
        return try result.get()
    }
}
