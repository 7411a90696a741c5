/// The third version: what comparisons with the venues leave behind. The records are read and written whole; the columns beside them are
/// what rows are found by and what the tables guard.
enum Schema3 {
    static let reconciliation = """
        CREATE TABLE reconciliation_runs (
          account TEXT NOT NULL CHECK (account <> ''),
          depth TEXT NOT NULL CHECK (depth IN ('light', 'deep')),
          is_complete INTEGER NOT NULL CHECK (is_complete IN (0, 1)),
          number INTEGER NOT NULL CHECK (number >= 1),
          record TEXT NOT NULL CHECK (json_valid(record)),
          PRIMARY KEY (account, depth, is_complete)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE external_orders (
          account TEXT NOT NULL CHECK (account <> ''),
          symbol TEXT NOT NULL,
          venue_order_id TEXT NOT NULL CHECK (venue_order_id <> ''),
          first_seen_at INTEGER NOT NULL,
          record TEXT NOT NULL CHECK (json_valid(record)),
          PRIMARY KEY (account, symbol, venue_order_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX external_orders_by_time ON external_orders (first_seen_at);

        CREATE TABLE drift_findings (
          id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
          account TEXT NOT NULL CHECK (account <> ''),
          kind TEXT NOT NULL CHECK (kind IN ('position', 'balance')),
          subject TEXT NOT NULL CHECK (subject <> ''),
          state TEXT NOT NULL CHECK (state IN ('suspected', 'confirmed', 'resolved')),
          action TEXT,
          first_seen_at INTEGER NOT NULL,
          record TEXT NOT NULL CHECK (json_valid(record)),
          CHECK (state <> 'confirmed' OR action IS NOT NULL)
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX drift_findings_open ON drift_findings (account, kind, subject) WHERE NOT (state = 'resolved');
        CREATE INDEX drift_findings_by_time ON drift_findings (first_seen_at);

        CREATE TRIGGER drift_findings_are_kept BEFORE DELETE ON drift_findings
        BEGIN SELECT RAISE(ABORT, 'a finding is never deleted'); END;
        CREATE TRIGGER drift_findings_move_on BEFORE UPDATE ON drift_findings
        WHEN OLD.state = 'resolved' OR (OLD.state = 'confirmed' AND (NEW.state = 'suspected' OR NEW.action IS NOT OLD.action))
          OR NEW.id <> OLD.id OR NEW.account <> OLD.account OR NEW.kind <> OLD.kind OR NEW.subject <> OLD.subject
        BEGIN SELECT RAISE(ABORT, 'a finding is confirmed once and ends once'); END;
        """

    static let halts = """
        CREATE TABLE halts (
          account TEXT NOT NULL CHECK (account <> ''),
          number INTEGER NOT NULL CHECK (number >= 1),
          released_at INTEGER,
          record TEXT NOT NULL CHECK (json_valid(record)),
          PRIMARY KEY (account, number)
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX halts_one_at_a_time ON halts (account) WHERE released_at IS NULL;

        CREATE TRIGGER halts_are_kept BEFORE DELETE ON halts BEGIN SELECT RAISE(ABORT, 'a halt is never deleted'); END;
        CREATE TRIGGER halts_end_once BEFORE UPDATE ON halts
        WHEN OLD.released_at IS NOT NULL OR NEW.account <> OLD.account OR NEW.number <> OLD.number
        BEGIN SELECT RAISE(ABORT, 'a halt ends once'); END;
        """
}
