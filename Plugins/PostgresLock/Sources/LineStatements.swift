import PostgresKit

/// What is done with the line of those who wait. Places are numbered by a sequence; who comes first has the smaller number.
enum LineStatements {
    /// How long the place of a waiter lasts that has died.
    static let life = "interval '5 s'"

    /// Returns the number of the new place.
    static func join(_ resource: String, owner: String) -> [PostgresStatement] {
        [
            PostgresStatement(
                "DELETE FROM waiters w WHERE resource = $1 AND abs(extract(epoch FROM alive_until - clock_timestamp())) > 60", [.text(resource)]),
            PostgresStatement(
                "INSERT INTO waiters (resource, owner, alive_until) VALUES ($1, $2, clock_timestamp() + \(life)) RETURNING ticket",
                [.text(resource), .text(owner)]),
        ]
    }

    /// Returns how many are alive before it in line, and whether somebody holds.
    static func look(_ resource: String, ticket: Int64) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT (SELECT count(*) FROM waiters w WHERE w.resource = $1 AND w.ticket < $2::bigint AND \(LeaseStatements.isAlive)),
              EXISTS (SELECT FROM leases h WHERE h.resource = $1 AND h.state = 'held' AND h.expires_at > clock_timestamp())
            """, [.text(resource), .integer(ticket)])
    }

    /// Touches no row if the place is gone.
    static func keep(ticket: Int64) -> PostgresStatement {
        PostgresStatement("UPDATE waiters SET alive_until = clock_timestamp() + \(life) WHERE ticket = $1", [.integer(ticket)])
    }

    static func leave(ticket: Int64) -> PostgresStatement { PostgresStatement("DELETE FROM waiters WHERE ticket = $1", [.integer(ticket)]) }
}
