/// Which database cluster a connection leads to, and on which line of its history.
public struct ServerIdentity: Sendable, Hashable, CustomStringConvertible {
    /// Made by `initdb`; a restore into a new cluster has another one.
    public let system: String
    /// Rises when a standby is promoted or a backup is recovered to a point in time: what was committed last may then be missing.
    public let timeline: Int64
    public init(system: String, timeline: Int64) {
        self.system = system
        self.timeline = timeline
    }
    public var description: String { "\(system), timeline \(timeline)" }
}

/// Refuses servers that may lose what they acknowledged, and what stands between us and the server.
public enum ServerSafety {
    private static let probe = PostgresStatement(
        """
        SELECT pg_backend_pid(), current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
          pg_is_in_recovery(), current_setting('transaction_read_only'), current_setting('server_version_num')::bigint,
          (SELECT system_identifier::text FROM pg_control_system()),
          CASE WHEN pg_is_in_recovery() THEN 0
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint END
        """, isPrepared: false)

    /// Looks at the server behind a connection, or throws `.unsafeServer` with the setting that is wrong.
    public static func check(_ connection: PostgresConnection) async throws(PostgresError) -> ServerIdentity {
        let first = try await look(connection)
        let second = try await look(connection)
        let row = first
        func refuse(_ why: String) -> PostgresError { PostgresError(.unsafeServer, why) }

        // A pooler gives numbers of its own at the log-in, and lets a later transaction run in another session.
        let process = try row.integer(0)
        guard process == Int64(await connection.serverProcessID), try second.integer(0) == process else {
            throw refuse("a connection pooler stands between; sessions must be our own, so connect to the server directly")
        }
        guard try row.integer(6) >= 120_000 else { throw refuse("version 12 or later is needed") }
        guard try !row.flag(4) else { throw refuse("it is a standby; connect to the primary (target_session_attrs=read-write)") }
        guard try row.text(5) == "off" else { throw refuse("it is read-only") }
        for (index, setting) in [(1, "fsync"), (2, "full_page_writes")] {
            guard try row.text(index) == "on" else { throw refuse("\(setting) is off: a power loss would take acknowledged commits") }
        }
        guard try row.text(3) != "off" else { throw refuse("synchronous_commit is off: a crash would take acknowledged commits") }
        return ServerIdentity(system: try row.text(7), timeline: try row.integer(8))
    }

    private static func look(_ connection: PostgresConnection) async throws(PostgresError) -> PostgresRow {
        let results = try await connection.run([probe])
        guard let row = results.first?.first else { throw PostgresError(.malformed, "no answer to the settings") }
        return row
    }
}
