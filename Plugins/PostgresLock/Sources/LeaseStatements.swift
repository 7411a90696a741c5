import LockContract
import PostgresKit

/// What is done with a lease. Every statement is a transaction of its own, or part of one batch that is.
enum LeaseStatements {
    /// Those in line who are alive. A place that seems to last longer than any was given is from before the clock was set back: dead
    /// until its owner keeps it alive again.
    static let isAlive = "w.alive_until > clock_timestamp() AND w.alive_until < clock_timestamp() + interval '10 s'"

    /// Returns epoch, counter and whether the holder before may still act; no row if somebody holds, or stands before `ticket` in line.
    ///
    /// The first half only looks, so that a lock that is held costs no write; the second decides, on the row as it is then.
    static func acquire(
        _ resource: String, owner: String, milliseconds: Int64, holder: String, ticket: Int64?
    ) -> PostgresStatement {
        PostgresStatement(
            """
            INSERT INTO leases AS l
              (resource, epoch, counter, state, owner, predecessor_expired, granted_at, expires_at, period_ms, holder)
            SELECT $1, m.epoch, 1, 'held', $2, clock_timestamp() - m.since < interval '300 s', clock_timestamp(),
              clock_timestamp() + $3::bigint * interval '1 ms', $3::bigint, $4 FROM lock_meta m
            WHERE NOT EXISTS (SELECT FROM leases h WHERE h.resource = $1 AND h.state = 'held' AND h.expires_at > clock_timestamp())
              AND NOT EXISTS (SELECT FROM waiters w WHERE w.resource = $1 AND w.ticket < coalesce($5::bigint, 9223372036854775807) AND \(isAlive))
            ON CONFLICT (resource) DO UPDATE SET epoch = greatest(l.epoch, excluded.epoch), counter = l.counter + 1, state = 'held',
              owner = excluded.owner, predecessor_expired = l.state <> 'released' OR l.epoch < excluded.epoch, granted_at = clock_timestamp(),
              expires_at = clock_timestamp() + $3::bigint * interval '1 ms', period_ms = excluded.period_ms, holder = excluded.holder
            WHERE l.state <> 'held' OR l.expires_at <= clock_timestamp()
            RETURNING epoch, counter, predecessor_expired
            """, [.text(resource), .text(owner), .integer(milliseconds), .text(holder), PostgresValue(ticket)])
    }

    private static let columns = """
        resource, epoch, counter, state, owner, predecessor_expired, (extract(epoch FROM clock_timestamp() - granted_at) * 1000)::bigint,
        floor(extract(epoch FROM expires_at - clock_timestamp()) * 1000)::bigint, period_ms, holder,
        (SELECT count(*) FROM waiters w WHERE w.resource = l.resource AND \(isAlive))
        """

    static func find(_ resource: String) -> PostgresStatement {
        PostgresStatement("SELECT \(columns) FROM leases l WHERE resource = $1", [.text(resource)])
    }

    static func list(_ prefix: String) -> PostgresStatement {
        PostgresStatement("SELECT \(columns) FROM leases l WHERE starts_with(resource, $1) ORDER BY resource", [.text(prefix)])
    }

    private static let mine = "resource = $1 AND owner = $2 AND epoch = $3 AND counter = $4 AND state = 'held'"

    private static func values(_ lease: Lease) -> [PostgresValue] {
        [.text(lease.resource.rawValue), .text(lease.owner.rawValue), .integer(lease.fence.epoch), .integer(lease.fence.counter)]
    }

    /// Returns whether the holder before may still act; no row if the lease is not running.
    static func renew(_ lease: Lease, milliseconds: Int64) -> PostgresStatement {
        PostgresStatement(
            """
            UPDATE leases SET expires_at = greatest(expires_at, clock_timestamp() + $5::bigint * interval '1 ms'),
              period_ms = greatest(period_ms, $5::bigint)
            WHERE \(mine) AND expires_at > clock_timestamp() RETURNING predecessor_expired
            """, values(lease) + [.integer(milliseconds)])
    }

    /// Returns whether it was still running; no row if it is not the owner's, or is released.
    static func release(_ lease: Lease) -> PostgresStatement {
        PostgresStatement("UPDATE leases SET state = 'released' WHERE \(mine) RETURNING expires_at > clock_timestamp()", values(lease))
    }

    /// Returns a row if it was done.
    static func force(_ resource: String, expected: FencingToken, actor: String, reason: String) -> PostgresStatement {
        PostgresStatement(
            """
            WITH forced AS (
              UPDATE leases SET state = 'forced' WHERE resource = $1 AND epoch = $2 AND counter = $3 AND state = 'held' RETURNING resource)
            INSERT INTO forced_releases (at, resource, epoch, counter, actor, reason)
            SELECT clock_timestamp(), resource, $2, $3, $4, $5 FROM forced RETURNING id
            """, [.text(resource), .integer(expected.epoch), .integer(expected.counter), .text(actor), .text(reason)])
    }
}
