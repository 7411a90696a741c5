import Foundation
import Logging
import PostgresKit
import StoreContract
import TradingModel

/// Why a store cannot be used safely.
public struct StoreOpeningError: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// Opens the schema so that a commit means "on the server's disk", or refuses.
struct StoreServer {
    /// Versions of the schema, in order. One that was ever released never changes.
    static let migrations: [[String]] = [Schema1.statements, Schema2.statements, Schema4.statements]
    /// Of the tables, as this program knows them.
    static var schemaVersion: Int { migrations.count }

    let identity: ServerIdentity
    /// The cluster is not the one, or not on the timeline, on which the store was last opened: commits may be missing.
    let hasMoved: Bool

    static func open(_ configuration: PostgresConfiguration, schema: String, clock: any TradingClock, logger: Logger) async throws -> StoreServer {
        let connection = try await PostgresConnection.connect(configuration)
        let result: Result<StoreServer, any Error>
        do {
            let identity = try await ServerSafety.check(connection)
            result = .success(try await open(connection, identity, schema: schema, now: clock.wallTime, logger: logger))
        } catch { result = .failure(error) }
        await connection.close()
        return try result.get()
    }

    private static func open(
        _ connection: PostgresConnection, _ identity: ServerIdentity, schema: String, now: Timestamp, logger: Logger
    ) async throws -> StoreServer {
        let transaction = PostgresTransaction(on: connection)
        do {
            // Two processes that start at once must not both migrate; the lock ends with the transaction.
            _ = try await transaction.ask(
                PostgresStatement("SELECT pg_advisory_xact_lock(hashtextextended('turnstile store ' || $1, 0))", [.text(schema)], isPrepared: false))
            let known = try await transaction.ask(
                PostgresStatement("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", [.text(schema)], isPrepared: false))
            if try known.first?.flag(0) != true { try await transaction.write(PostgresStatement("CREATE SCHEMA \"\(schema)\"", isPrepared: false)) }
            let version = try await version(transaction, schema: schema)
            guard version <= migrations.count else {
                throw StoreOpeningError("schema \(schema) was written by a newer turnstile (version \(version)); start that version")
            }
            for (number, statements) in migrations.enumerated().dropFirst(version) {
                for sql in statements { _ = try await transaction.ask(PostgresStatement(sql, isPrepared: false)) }
                let done =
                    number == 0
                    ? PostgresStatement(
                        """
                        INSERT INTO meta (id, store_id, schema_version, epoch, system_identifier, timeline, created_at, checked_at)
                        VALUES (1, $1, 1, 1, $2, $3, $4, $4)
                        """,
                        [.text(UUID().uuidString.lowercased()), .text(identity.system), .integer(identity.timeline), .integer(now.microseconds)],
                        isPrepared: false)
                    : PostgresStatement("UPDATE meta SET schema_version = $1", [.integer(Int64(number) + 1)], isPrepared: false)
                try await transaction.write(done, rows: 1)
                logger.notice("order store migrated", metadata: ["schema": "\(schema)", "version": "\(number + 1)"])
            }
            let hasMoved = try await compare(transaction, identity)
            try await transaction.commit()
            return StoreServer(identity: identity, hasMoved: hasMoved)
        } catch {
            await transaction.rollback()
            throw error
        }
    }

    private static func version(_ transaction: PostgresTransaction, schema: String) async throws -> Int {
        let exists = try await transaction.ask(
            PostgresStatement("SELECT to_regclass($1) IS NOT NULL", [.text("\"\(schema)\".meta")], isPrepared: false))
        guard try exists.first?.flag(0) == true else { return 0 }
        let row = try await transaction.ask(PostgresStatement("SELECT schema_version FROM meta FOR UPDATE", isPrepared: false)).first
        return Int(try row?.integer(0) ?? 0)
    }

    /// On another cluster or timeline the epoch rises, so that no fence and no id of the lost time is ever given again.
    private static func compare(_ transaction: PostgresTransaction, _ identity: ServerIdentity) async throws -> Bool {
        let row = try await transaction.ask(PostgresStatement("SELECT system_identifier, timeline FROM meta FOR UPDATE", isPrepared: false)).first
        guard let row else { throw StoreOpeningError("the table meta is empty") }
        let known = ServerIdentity(system: try row.text(0), timeline: try row.integer(1))
        guard known != identity else { return false }
        try await transaction.write(
            PostgresStatement(
                "UPDATE meta SET epoch = epoch + 1, system_identifier = $1, timeline = $2", [.text(identity.system), .integer(identity.timeline)],
                isPrepared: false), rows: 1)
        return true
    }
}
