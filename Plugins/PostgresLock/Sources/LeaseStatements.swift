import PostgresKit

/// The tables, and what is done with them. Every statement is a transaction of its own, or part of one batch that is.
enum LeaseStatements {
    /// Run on each new connection; two processes that start at once wait for each other.
    static func schema(_ name: String) -> [PostgresStatement] {
        [
            "SELECT pg_advisory_xact_lock(hashtextextended('turnstile locks \(name)', 0))",
            "CREATE SCHEMA IF NOT EXISTS \"\(name)\"",
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
    static func meet(_ server: ServerIdentity) -> [PostgresStatement] {
        let values: [PostgresValue] = [.text(server.system), .integer(server.timeline)]
        return [
            PostgresStatement(
                """
                INSERT INTO lock_meta AS m (id, epoch, system_identifier, timeline, since) VALUES (1, \(micros), $1, $2, clock_timestamp())
                ON CONFLICT (id) DO UPDATE SET epoch = greatest(m.epoch + 1, \(micros)), system_identifier = $1, timeline = $2,
                  since = clock_timestamp()
                WHERE m.system_identifier <> $1 OR m.timeline <> $2
                """, values, isPrepared: false)
        ]
    }

    /// An epoch below one that this process has seen belongs to older data.
    static func rise(above seen: Int64) -> PostgresStatement {
        PostgresStatement(
            "UPDATE lock_meta SET epoch = greatest($1::bigint + 1, \(micros)), since = clock_timestamp() WHERE epoch < $1::bigint", [.integer(seen)])
    }

    /// Returns epoch, counter and whether the holder before may still act; no row if somebody holds.
    static func acquire(_ resource: String, owner: String, milliseconds: Int64, holder: String) -> PostgresStatement {
        PostgresStatement(
            """
            INSERT INTO leases AS l
              (resource, epoch, counter, state, owner, predecessor_expired, granted_at, expires_at, period_ms, holder)
            SELECT $1, m.epoch, 1, 'held', $2, clock_timestamp() - m.since < interval '300 s', clock_timestamp(),
              clock_timestamp() + $3::bigint * interval '1 ms', $3::bigint, $4 FROM lock_meta m
            ON CONFLICT (resource) DO UPDATE SET epoch = greatest(l.epoch, excluded.epoch), counter = l.counter + 1, state = 'held',
              owner = excluded.owner, predecessor_expired = l.state <> 'released' OR l.epoch < excluded.epoch, granted_at = clock_timestamp(),
              expires_at = clock_timestamp() + $3::bigint * interval '1 ms', period_ms = excluded.period_ms, holder = excluded.holder
            WHERE l.state <> 'held' OR l.expires_at <= clock_timestamp()
            RETURNING epoch, counter, predecessor_expired
            """, [.text(resource), .text(owner), .integer(milliseconds), .text(holder)])
    }

    private static let columns = """
        resource, epoch, counter, state, owner, predecessor_expired, (extract(epoch FROM clock_timestamp() - granted_at) * 1000)::bigint,
        (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::bigint, period_ms, holder
        """

    static func find(_ resource: String) -> PostgresStatement {
        PostgresStatement("SELECT \(columns) FROM leases WHERE resource = $1", [.text(resource)])
    }

    static func list(_ prefix: String) -> PostgresStatement {
        PostgresStatement("SELECT \(columns) FROM leases WHERE starts_with(resource, $1) ORDER BY resource", [.text(prefix)])
    }

    private static let mine = "resource = $1 AND owner = $2 AND epoch = $3 AND counter = $4 AND state = 'held'"

    /// Returns whether the holder before may still act; no row if the lease is not running.
    static func renew(_ values: [PostgresValue], milliseconds: Int64) -> PostgresStatement {
        PostgresStatement(
            """
            UPDATE leases SET expires_at = greatest(expires_at, clock_timestamp() + $5::bigint * interval '1 ms'),
              period_ms = greatest(period_ms, $5::bigint)
            WHERE \(mine) AND expires_at > clock_timestamp() RETURNING predecessor_expired
            """, values + [.integer(milliseconds)])
    }

    /// Returns whether it was still running; no row if it is not the owner's, or is released.
    static func release(_ values: [PostgresValue]) -> PostgresStatement {
        PostgresStatement("UPDATE leases SET state = 'released' WHERE \(mine) RETURNING expires_at > clock_timestamp()", values)
    }

    /// Returns a row if it was done.
    static func force(_ resource: String, epoch: Int64, counter: Int64, actor: String, reason: String) -> PostgresStatement {
        PostgresStatement(
            """
            WITH forced AS (
              UPDATE leases SET state = 'forced' WHERE resource = $1 AND epoch = $2 AND counter = $3 AND state = 'held' RETURNING resource)
            INSERT INTO forced_releases (at, resource, epoch, counter, actor, reason)
            SELECT clock_timestamp(), resource, $2, $3, $4, $5 FROM forced RETURNING id
            """, [.text(resource), .integer(epoch), .integer(counter), .text(actor), .text(reason)])
    }
}
