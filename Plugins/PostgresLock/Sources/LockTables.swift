import PostgresKit

/// The tables, and how a new connection meets them.
enum LockTables {
    private static let names = ["lock_meta", "leases", "waiters", "forced_releases"]

    /// Makes what is missing, and raises the epoch where counters may have been lost. For each new connection.
    static func prepare(_ connection: PostgresConnection, _ schema: String) async throws(PostgresError) {
        let server = try await ServerSafety.check(connection)
        // Asked first: making something needs rights that an ordinary user need not have.
        let known = names.map { PostgresStatement("SELECT to_regclass($1) IS NOT NULL", [.text("\"\(schema)\".\($0)")]) }
        var isComplete = true
        for result in try await connection.run(known) {
            let isThere = try result.first?.flag(0)
            isComplete = isComplete && isThere == true
        }
        if !isComplete { _ = try await connection.run(make(schema)) }
        _ = try await connection.run([meet(server)])
    }

    /// Two processes that start at once wait for each other.
    private static func make(_ schema: String) -> [PostgresStatement] {
        [
            "SELECT pg_advisory_xact_lock(hashtextextended('turnstile locks \(schema)', 0))",
            "CREATE SCHEMA IF NOT EXISTS \"\(schema)\"",
            """
            CREATE TABLE IF NOT EXISTS lock_meta (
              id integer PRIMARY KEY CHECK (id = 1), epoch bigint NOT NULL CHECK (epoch >= 1), system_identifier text NOT NULL,
              timeline bigint NOT NULL, since timestamptz NOT NULL)
            """,
            """
            CREATE TABLE IF NOT EXISTS leases (
              resource text PRIMARY KEY CHECK (resource <> ''), epoch bigint NOT NULL, counter bigint NOT NULL CHECK (counter >= 1),
              state text NOT NULL CHECK (state IN ('held', 'released', 'forced')), owner text NOT NULL CHECK (owner <> ''),
              predecessor_expired boolean NOT NULL, granted_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
              period_ms bigint NOT NULL, holder text NOT NULL) WITH (fillfactor = 50)
            """,
            """
            CREATE TABLE IF NOT EXISTS waiters (
              ticket bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, resource text NOT NULL, owner text NOT NULL, alive_until timestamptz NOT NULL)
            """,
            "CREATE INDEX IF NOT EXISTS waiters_of_resource ON waiters (resource, ticket)",
            """
            CREATE TABLE IF NOT EXISTS forced_releases (
              id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, resource text NOT NULL, epoch bigint NOT NULL,
              counter bigint NOT NULL, actor text NOT NULL, reason text NOT NULL)
            """,
            """
            CREATE OR REPLACE FUNCTION keep_fences() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              IF TG_OP = 'DELETE' THEN RAISE EXCEPTION 'a counter is never deleted'; END IF;
              IF (NEW.epoch, NEW.counter) < (OLD.epoch, OLD.counter)
                OR ((NEW.epoch, NEW.counter) = (OLD.epoch, OLD.counter) AND NEW.owner <> OLD.owner)
              THEN RAISE EXCEPTION 'a fence only rises and has one owner'; END IF;
              RETURN NEW;
            END $$
            """,
            "CREATE OR REPLACE TRIGGER fences_are_kept BEFORE UPDATE OR DELETE ON leases FOR EACH ROW EXECUTE FUNCTION keep_fences()",
        ].map { PostgresStatement($0, isPrepared: false) }
    }

    private static let micros = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

    /// The epoch is the instant at which the tables were found new, or the server changed: another cluster, or a promotion.
    private static func meet(_ server: ServerIdentity) -> PostgresStatement {
        PostgresStatement(
            """
            INSERT INTO lock_meta AS m (id, epoch, system_identifier, timeline, since)
            SELECT 1, \(micros), $1, $2::bigint, clock_timestamp()
            WHERE NOT EXISTS (SELECT FROM lock_meta WHERE system_identifier = $1 AND timeline = $2::bigint)
            ON CONFLICT (id) DO UPDATE SET epoch = greatest(m.epoch + 1, excluded.epoch), system_identifier = excluded.system_identifier,
              timeline = excluded.timeline, since = excluded.since
            WHERE m.system_identifier <> excluded.system_identifier OR m.timeline <> excluded.timeline
            """, [.text(server.system), .integer(server.timeline)], isPrepared: false)
    }

    /// An epoch below one that this process has seen belongs to older data.
    static func rise(above seen: Int64) -> PostgresStatement {
        PostgresStatement(
            "UPDATE lock_meta SET epoch = greatest($1::bigint + 1, \(micros)), since = clock_timestamp() WHERE epoch < $1::bigint", [.integer(seen)])
    }
}
