/// The second version: what comparisons with the venues leave behind. The records are read and written whole; the columns beside them are
/// what rows are found by and what the tables guard.
enum Schema2 {
    /// One statement each: the extended protocol takes no more.
    static let statements: [String] = reconciliation + halts

    private static let reconciliation = [
        """
        CREATE TABLE reconciliation_runs (
          account text NOT NULL CHECK (account <> ''),
          depth text NOT NULL CHECK (depth IN ('light', 'deep')),
          is_complete boolean NOT NULL,
          number bigint NOT NULL CHECK (number >= 1),
          record text NOT NULL CHECK (record::json IS NOT NULL),
          PRIMARY KEY (account, depth, is_complete)
        )
        """,
        """
        CREATE TABLE external_orders (
          account text NOT NULL CHECK (account <> ''),
          symbol text NOT NULL,
          venue_order_id text NOT NULL CHECK (venue_order_id <> ''),
          first_seen_at bigint NOT NULL,
          record text NOT NULL CHECK (record::json IS NOT NULL),
          PRIMARY KEY (account, symbol, venue_order_id)
        )
        """,
        "CREATE INDEX external_orders_by_time ON external_orders (first_seen_at)",
        """
        CREATE TABLE drift_findings (
          id text NOT NULL PRIMARY KEY CHECK (id <> ''),
          account text NOT NULL CHECK (account <> ''),
          kind text NOT NULL CHECK (kind IN ('position', 'balance')),
          subject text NOT NULL CHECK (subject <> ''),
          state text NOT NULL CHECK (state IN ('suspected', 'confirmed', 'resolved')),
          action text,
          first_seen_at bigint NOT NULL,
          record text NOT NULL CHECK (record::json IS NOT NULL),
          CHECK (state <> 'confirmed' OR action IS NOT NULL)
        )
        """,
        "CREATE UNIQUE INDEX drift_findings_open ON drift_findings (account, kind, subject) WHERE NOT (state = 'resolved')",
        "CREATE INDEX drift_findings_by_time ON drift_findings (first_seen_at)",
        """
        CREATE FUNCTION guard_drift_findings() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF OLD.state = 'resolved' OR (OLD.state = 'confirmed' AND (NEW.state = 'suspected' OR NEW.action IS DISTINCT FROM OLD.action))
            OR (NEW.id, NEW.account, NEW.kind, NEW.subject) IS DISTINCT FROM (OLD.id, OLD.account, OLD.kind, OLD.subject) THEN
            RAISE EXCEPTION 'a finding is confirmed once and ends once';
          END IF;
          RETURN NEW;
        END $$
        """,
        "CREATE TRIGGER drift_findings_move_on BEFORE UPDATE ON drift_findings FOR EACH ROW EXECUTE FUNCTION guard_drift_findings()",
        "CREATE TRIGGER drift_findings_are_kept BEFORE DELETE ON drift_findings FOR EACH ROW EXECUTE FUNCTION refuse_deletion()",
        "CREATE TRIGGER drift_findings_are_not_emptied BEFORE TRUNCATE ON drift_findings FOR EACH STATEMENT EXECUTE FUNCTION refuse_deletion()",
    ]

    private static let halts = [
        """
        CREATE TABLE halts (
          account text NOT NULL CHECK (account <> ''),
          number bigint NOT NULL CHECK (number >= 1),
          released_at bigint,
          record text NOT NULL CHECK (record::json IS NOT NULL),
          PRIMARY KEY (account, number)
        )
        """,
        "CREATE UNIQUE INDEX halts_one_at_a_time ON halts (account) WHERE released_at IS NULL",
        """
        CREATE FUNCTION guard_halts() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF OLD.released_at IS NOT NULL OR (NEW.account, NEW.number) IS DISTINCT FROM (OLD.account, OLD.number) THEN
            RAISE EXCEPTION 'a halt ends once';
          END IF;
          RETURN NEW;
        END $$
        """,
        "CREATE TRIGGER halts_end_once BEFORE UPDATE ON halts FOR EACH ROW EXECUTE FUNCTION guard_halts()",
        "CREATE TRIGGER halts_are_kept BEFORE DELETE ON halts FOR EACH ROW EXECUTE FUNCTION refuse_deletion()",
        "CREATE TRIGGER halts_are_not_emptied BEFORE TRUNCATE ON halts FOR EACH STATEMENT EXECUTE FUNCTION refuse_deletion()",
    ]
}
