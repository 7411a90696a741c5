/// What an order is for, episodes of positions, steps of compensations, and fills that a venue took back; as in the embedded store.
enum Schema4 {
    private static let isOpen = "state NOT IN ('closed', 'rolled_back')"

    static let statements: [String] = [
        "ALTER TABLE orders ADD COLUMN intent text CHECK (intent IS NULL OR intent::json IS NOT NULL)",
        """
        CREATE OR REPLACE FUNCTION refuse_change_of_orders() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF (\(fixed("OLD"))) IS DISTINCT FROM (\(fixed("NEW"))) THEN RAISE EXCEPTION 'the intent of an order never changes'; END IF;
          IF NEW.side <> OLD.side AND (OLD.attempts > 0 OR NOT OLD.reduce_only OR OLD.intent IS NULL
            OR coalesce(OLD.intent::json ->> 'kind', 'delta') = 'delta') THEN
            RAISE EXCEPTION 'the side of an order is fixed with its first permit';
          END IF;
          RETURN NEW;
        END $$
        """,
        """
        CREATE TABLE episodes (
          sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          id text NOT NULL UNIQUE CHECK (id <> ''),
          account text NOT NULL CHECK (account <> ''),
          symbol text NOT NULL CHECK (symbol <> ''),
          state text NOT NULL CHECK (state IN ('pending_entry', 'entry_placed', 'pending_stop', 'active', 'closing', 'closed', 'rolled_back')),
          entry_id text NOT NULL REFERENCES orders (id),
          record text NOT NULL CHECK (record::json IS NOT NULL),
          is_open boolean NOT NULL GENERATED ALWAYS AS (\(isOpen)) STORED
        )
        """,
        "CREATE UNIQUE INDEX episodes_one_open ON episodes (account, symbol) WHERE \(isOpen)",
        "CREATE INDEX episodes_by_entry ON episodes (entry_id)",
        """
        CREATE FUNCTION guard_episodes() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NOT OLD.is_open OR (NEW.id, NEW.account, NEW.symbol, NEW.entry_id) IS DISTINCT FROM (OLD.id, OLD.account, OLD.symbol, OLD.entry_id) THEN
            RAISE EXCEPTION 'an episode that has ended stays as it ended, and is always of one instrument';
          END IF;
          RETURN NEW;
        END $$
        """,
        "CREATE TRIGGER episodes_end_once BEFORE UPDATE ON episodes FOR EACH ROW EXECUTE FUNCTION guard_episodes()",
        """
        CREATE TABLE compensations (
          sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          id text NOT NULL UNIQUE CHECK (id <> ''),
          episode_id text NOT NULL REFERENCES episodes (id),
          kind text NOT NULL CHECK (kind IN ('place_stop', 'flatten')),
          state text NOT NULL CHECK (state IN ('planned', 'running', 'done', 'failed')),
          record text NOT NULL CHECK (record::json IS NOT NULL),
          is_open boolean NOT NULL GENERATED ALWAYS AS (state NOT IN ('done', 'failed')) STORED
        )
        """,
        "CREATE UNIQUE INDEX compensations_one_open ON compensations (episode_id, kind) WHERE state NOT IN ('done', 'failed')",
        "CREATE INDEX compensations_by_episode ON compensations (episode_id, sequence)",
        """
        CREATE TABLE busts (
          account text NOT NULL,
          execution_id text NOT NULL,
          at bigint NOT NULL,
          PRIMARY KEY (account, execution_id),
          FOREIGN KEY (account, execution_id) REFERENCES fills (account, execution_id)
        )
        """,
        "CREATE INDEX fills_by_symbol ON fills (account, symbol, sequence)",
    ] + ["episodes", "compensations", "busts"].flatMap { table in
        [
            "CREATE TRIGGER \(table)_are_kept BEFORE DELETE ON \(table) FOR EACH ROW EXECUTE FUNCTION refuse_deletion()",
            "CREATE TRIGGER \(table)_are_not_emptied BEFORE TRUNCATE ON \(table) FOR EACH STATEMENT EXECUTE FUNCTION refuse_deletion()",
        ]
    }

    /// The side is not among them: a guard of its own lets the first permit fix it.
    private static func fixed(_ row: String) -> String {
        [
            "sequence", "id", "signal_id", "strategy", "account", "leg", "client_order_id", "symbol", "signal_symbol", "type", "time_in_force",
            "requested_quantity", "reduce_only", "stop_loss", "take_profit", "bracket_role", "entry_id", "reference_price", "policy", "request_id",
            "created_at", "expires_at", "intent",
        ].map { "\(row).\($0)" }.joined(separator: ", ")
    }
}
