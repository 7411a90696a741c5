/// The first version of the tables. Frozen: a later version is a migration of its own.
///
/// The same rules as in the embedded store, in the words of Postgres. Two generated columns hold the only lists of states: `is_open`
/// negates the terminal ones, so that a state added later is protected by every index and limit; `traded_at` says when an order counts
/// as a trade. Amounts are `numeric`, times microseconds since 1970 in UTC.
enum Schema1 {
    private static let isTerminal =
        "state IN ('filled', 'cancelled', 'expired', 'rejected', 'abandoned', 'skipped', 'blocked', 'stale')"

    /// One statement each: the extended protocol takes no more.
    static let statements: [String] =
        meta + signals + orders + attempts + ledger + journal + workers
        + ["signals", "orders", "attempts", "fills", "tenures", "journal", "crashes"].flatMap(kept)

    /// Nothing of these tables is ever deleted, row by row or all at once.
    private static func kept(_ table: String) -> [String] {
        [
            "CREATE TRIGGER \(table)_are_kept BEFORE DELETE ON \(table) FOR EACH ROW EXECUTE FUNCTION refuse_deletion()",
            "CREATE TRIGGER \(table)_are_not_emptied BEFORE TRUNCATE ON \(table) FOR EACH STATEMENT EXECUTE FUNCTION refuse_deletion()",
        ]
    }

    /// A trigger function that refuses an update which changes one of these columns.
    private static func fixed(_ table: String, _ columns: [String], _ why: String) -> [String] {
        let old = columns.map { "OLD.\($0)" }.joined(separator: ", ")
        let new = columns.map { "NEW.\($0)" }.joined(separator: ", ")
        return [
            """
            CREATE FUNCTION refuse_change_of_\(table)() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              IF (\(old)) IS DISTINCT FROM (\(new)) THEN RAISE EXCEPTION '\(why)'; END IF;
              RETURN NEW;
            END $$
            """,
            "CREATE TRIGGER \(table)_are_fixed BEFORE UPDATE ON \(table) FOR EACH ROW EXECUTE FUNCTION refuse_change_of_\(table)()",
        ]
    }

    private static let meta = [
        """
        CREATE TABLE meta (
          id integer PRIMARY KEY CHECK (id = 1),
          store_id text NOT NULL,
          schema_version integer NOT NULL CHECK (schema_version >= 1),
          epoch bigint NOT NULL CHECK (epoch >= 1),
          system_identifier text NOT NULL,
          timeline bigint NOT NULL,
          created_at bigint NOT NULL,
          checked_at bigint NOT NULL
        ) WITH (fillfactor = 50)
        """,
        """
        CREATE FUNCTION refuse_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'rows of % are never deleted', TG_TABLE_NAME; END $$
        """,
    ]

    private static let signals =
        [
            """
            CREATE TABLE signals (
              sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
              id text NOT NULL UNIQUE CHECK (id <> ''),
              source text NOT NULL CHECK (source <> ''),
              key_hash text NOT NULL CHECK (key_hash ~ '^[0-9a-f]{64}$'),
              key_is_explicit boolean NOT NULL,
              occurrence bigint NOT NULL CHECK (occurrence >= 1),
              body_hash text NOT NULL CHECK (body_hash ~ '^[0-9a-f]{64}$'),
              body text NOT NULL,
              verdict text NOT NULL CHECK (verdict IN ('accepted', 'stale', 'parked')),
              strategy text,
              received_at bigint NOT NULL,
              fired_at bigint,
              client_address text NOT NULL,
              request_id text NOT NULL,
              traceparent text,
              answer_status bigint NOT NULL,
              answer_body text NOT NULL,
              copies bigint NOT NULL CHECK (copies >= 0),
              UNIQUE (source, key_hash, occurrence),
              CHECK (occurrence = 1 OR NOT key_is_explicit)
            )
            """
        ]
        + fixed(
            "signals",
            [
                "sequence", "id", "source", "key_hash", "key_is_explicit", "occurrence", "body_hash", "body", "verdict", "strategy", "received_at",
                "fired_at", "client_address", "request_id", "traceparent", "answer_status", "answer_body",
            ], "of a signal only the count of copies changes")
        + ["CREATE TABLE rate_events (key text NOT NULL, at bigint NOT NULL)", "CREATE INDEX rate_events_by_key ON rate_events (key, at)"]

    private static let orders =
        [
            """
            CREATE TABLE orders (
              sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
              id text NOT NULL UNIQUE CHECK (id <> ''),
              signal_id text NOT NULL REFERENCES signals (id),
              strategy text NOT NULL CHECK (strategy <> ''),
              account text NOT NULL CHECK (account <> ''),
              leg bigint NOT NULL CHECK (leg >= 0),
              client_order_id text NOT NULL CHECK (client_order_id <> ''),
              symbol text NOT NULL CHECK (symbol <> ''),
              signal_symbol text NOT NULL,
              side text NOT NULL CHECK (side IN ('buy', 'sell')),
              type text NOT NULL CHECK (type IN ('market', 'limit', 'stop', 'stop_limit', 'trailing_stop')),
              time_in_force text NOT NULL CHECK (time_in_force IN ('day', 'gtc', 'ioc', 'fok', 'gtd')),
              requested_quantity numeric NOT NULL CHECK (requested_quantity >= 0 AND requested_quantity <> 'NaN'),
              quantity numeric CHECK (quantity > 0 AND quantity <> 'NaN'),
              limit_price numeric CHECK (limit_price > 0 AND limit_price <> 'NaN'),
              stop_price numeric CHECK (stop_price > 0 AND stop_price <> 'NaN'),
              reduce_only boolean NOT NULL,
              stop_loss numeric CHECK (stop_loss > 0 AND stop_loss <> 'NaN'),
              take_profit numeric CHECK (take_profit > 0 AND take_profit <> 'NaN'),
              bracket_role text CHECK (bracket_role IN ('stop_loss', 'take_profit')),
              entry_id text REFERENCES orders (id),
              reference_price numeric,
              policy text NOT NULL CHECK (policy::json IS NOT NULL),
              state text NOT NULL CHECK (state IN ('queued', 'permitted', 'unknown', 'resolving', 'parked', 'absent', 'accepted',
                'partially_filled', 'cancel_pending', 'replace_pending', 'filled', 'cancelled', 'expired', 'rejected', 'abandoned', 'skipped',
                'blocked', 'stale')),
              reason text,
              detail text,
              filled_quantity numeric NOT NULL CHECK (filled_quantity >= 0 AND filled_quantity <> 'NaN'),
              average_price numeric,
              venue_order_id text,
              venue_status text,
              attempts bigint NOT NULL CHECK (attempts >= 0),
              version bigint NOT NULL CHECK (version >= 1),
              request_id text NOT NULL,
              created_at bigint NOT NULL,
              updated_at bigint NOT NULL,
              filled_at bigint,
              expires_at bigint NOT NULL,
              is_open boolean NOT NULL GENERATED ALWAYS AS (NOT (\(isTerminal))) STORED,
              traded_at bigint GENERATED ALWAYS AS
                (CASE WHEN attempts >= 1 AND entry_id IS NULL AND (NOT (\(isTerminal)) OR filled_quantity <> 0) THEN coalesce(filled_at, created_at) END) STORED,
              UNIQUE (signal_id, strategy, account, leg),
              UNIQUE (account, client_order_id),
              CONSTRAINT limit_price_iff_needed CHECK ((type IN ('limit', 'stop_limit')) = (limit_price IS NOT NULL)),
              CONSTRAINT stop_price_iff_needed CHECK ((type IN ('stop', 'stop_limit')) = (stop_price IS NOT NULL)),
              CONSTRAINT a_leg_has_its_entry CHECK ((bracket_role IS NULL) = (entry_id IS NULL)),
              CONSTRAINT a_leg_is_what_its_role_says CHECK (bracket_role IS NULL OR (
                type = CASE bracket_role WHEN 'stop_loss' THEN 'stop' ELSE 'limit' END AND stop_loss IS NULL AND take_profit IS NULL)),
              CONSTRAINT complete_once_permitted
                CHECK (state IN ('queued', 'skipped', 'blocked', 'stale') OR (quantity IS NOT NULL AND attempts >= 1)),
              CONSTRAINT an_ending_has_its_reason
                CHECK (state NOT IN ('rejected', 'abandoned', 'skipped', 'blocked', 'stale') OR (reason IS NOT NULL AND reason <> '')),
              CONSTRAINT filled_means_a_quantity CHECK (state NOT IN ('filled', 'partially_filled') OR filled_quantity > 0)
            )
            """,
            "CREATE INDEX orders_open ON orders (account, sequence) WHERE is_open",
            "CREATE INDEX orders_waiting ON orders (account, sequence) WHERE state IN ('queued', 'absent') AND entry_id IS NULL",
            "CREATE INDEX orders_working ON orders (account, symbol) WHERE is_open AND attempts >= 1",
            "CREATE INDEX orders_by_venue_id ON orders (account, symbol, venue_order_id) WHERE venue_order_id IS NOT NULL",
            "CREATE UNIQUE INDEX orders_legs ON orders (entry_id, bracket_role) WHERE entry_id IS NOT NULL",
            "CREATE INDEX orders_traded ON orders (strategy, traded_at) WHERE traded_at IS NOT NULL",
            "CREATE INDEX orders_traded_by_account ON orders (strategy, account, traded_at) WHERE traded_at IS NOT NULL",
        ]
        + fixed(
            "orders",
            [
                "sequence", "id", "signal_id", "strategy", "account", "leg", "client_order_id", "symbol", "signal_symbol", "side", "type",
                "time_in_force", "requested_quantity", "reduce_only", "stop_loss", "take_profit",
                "bracket_role", "entry_id", "reference_price", "policy", "request_id", "created_at", "expires_at",
            ], "the intent of an order never changes")
        + [
            """
            CREATE FUNCTION guard_orders() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              IF NOT OLD.is_open AND NEW.state <> OLD.state THEN RAISE EXCEPTION 'a terminal order stays as it ended'; END IF;
              IF OLD.quantity IS NOT NULL AND NEW.quantity IS DISTINCT FROM OLD.quantity THEN
                RAISE EXCEPTION 'the quantity of an order is fixed with its first permit';
              END IF;
              IF NEW.version <> OLD.version + 1 OR NEW.attempts < OLD.attempts OR NEW.filled_quantity < OLD.filled_quantity THEN
                RAISE EXCEPTION 'version, attempts and filled quantity of an order only rise';
              END IF;
              RETURN NEW;
            END $$
            """,
            "CREATE TRIGGER orders_only_advance BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION guard_orders()",
        ]

    private static let attempts =
        [
            """
            CREATE TABLE attempts (
              order_id text NOT NULL REFERENCES orders (id),
              number bigint NOT NULL CHECK (number >= 1),
              epoch bigint NOT NULL,
              counter bigint NOT NULL,
              owner text NOT NULL CHECK (owner <> ''),
              holder_gateway text NOT NULL,
              holder_host text NOT NULL,
              holder_process_id bigint NOT NULL,
              holder_process_start bigint NOT NULL,
              holder_boot_id text NOT NULL,
              holder_purpose text NOT NULL,
              permitted_at bigint NOT NULL,
              not_after bigint NOT NULL,
              not_after_monotonic bigint NOT NULL,
              order_hash text NOT NULL CHECK (length(order_hash) = 64),
              outcome text CHECK (outcome IN ('accepted', 'refused', 'not_sent', 'unknown')),
              evidence text,
              ended_at bigint,
              PRIMARY KEY (order_id, number),
              CHECK ((outcome IS NULL) = (ended_at IS NULL))
            )
            """,
            "CREATE UNIQUE INDEX attempts_one_at_a_time ON attempts (order_id) WHERE outcome IS NULL",
        ]
        + fixed(
            "attempts",
            [
                "order_id", "number", "epoch", "counter", "owner", "holder_gateway", "holder_host", "holder_process_id", "holder_process_start",
                "holder_boot_id", "holder_purpose", "permitted_at", "not_after", "not_after_monotonic", "order_hash",
            ], "of an attempt only the outcome changes")
        + [
            """
            CREATE FUNCTION guard_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              IF OLD.outcome IS NOT NULL THEN RAISE EXCEPTION 'the outcome of an attempt is recorded once'; END IF;
              RETURN NEW;
            END $$
            """,
            "CREATE TRIGGER attempts_end_once BEFORE UPDATE ON attempts FOR EACH ROW EXECUTE FUNCTION guard_attempts()",
        ]

    private static let ledger = [
        """
        CREATE TABLE fills (
          sequence bigint GENERATED ALWAYS AS IDENTITY,
          account text NOT NULL CHECK (account <> ''),
          execution_id text NOT NULL CHECK (execution_id <> ''),
          order_id text NOT NULL REFERENCES orders (id),
          venue_order_id text NOT NULL,
          client_order_id text,
          symbol text NOT NULL CHECK (symbol <> ''),
          side text NOT NULL CHECK (side IN ('buy', 'sell')),
          quantity numeric NOT NULL CHECK (quantity > 0 AND quantity <> 'NaN'),
          price numeric NOT NULL,
          fee numeric,
          fee_asset text,
          executed_at bigint NOT NULL,
          PRIMARY KEY (account, execution_id)
        )
        """,
        "CREATE INDEX fills_by_order ON fills (order_id, sequence)",
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME; END $$
        """,
        "CREATE TRIGGER fills_are_fixed BEFORE UPDATE ON fills FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        """
        CREATE TABLE positions (
          account text NOT NULL,
          symbol text NOT NULL,
          quantity numeric NOT NULL,
          average_price numeric,
          realized_profit numeric NOT NULL,
          updated_at bigint NOT NULL,
          PRIMARY KEY (account, symbol)
        )
        """,
        """
        CREATE TABLE tenures (
          account text PRIMARY KEY CHECK (account <> ''),
          epoch bigint NOT NULL,
          counter bigint NOT NULL CHECK (counter >= 1),
          owner text NOT NULL CHECK (owner <> ''),
          holder text NOT NULL CHECK (holder::json IS NOT NULL),
          lease_epoch bigint NOT NULL,
          lease_counter bigint NOT NULL,
          configuration_hash text NOT NULL,
          opened_at bigint NOT NULL,
          closed_at bigint
        )
        """,
        """
        CREATE FUNCTION guard_tenures() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF (NEW.epoch, NEW.counter) < (OLD.epoch, OLD.counter)
            OR ((NEW.epoch, NEW.counter) = (OLD.epoch, OLD.counter) AND NEW.owner <> OLD.owner) THEN
            RAISE EXCEPTION 'a fence only rises and has one owner';
          END IF;
          RETURN NEW;
        END $$
        """,
        "CREATE TRIGGER tenures_count_up BEFORE UPDATE ON tenures FOR EACH ROW EXECUTE FUNCTION guard_tenures()",
    ]

    private static let journal = [
        """
        CREATE TABLE alerts (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          type text NOT NULL CHECK (type <> ''),
          severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
          subject text NOT NULL,
          message text NOT NULL,
          count bigint NOT NULL CHECK (count >= 1),
          first_at bigint NOT NULL,
          last_at bigint NOT NULL,
          resolved_at bigint
        )
        """,
        "CREATE UNIQUE INDEX alerts_open ON alerts (type, subject) WHERE resolved_at IS NULL",
        """
        CREATE TABLE journal (
          sequence bigint PRIMARY KEY CHECK (sequence >= 1),
          at bigint NOT NULL,
          type text NOT NULL CHECK (type <> ''),
          signal_id text,
          order_id text,
          account text,
          data text NOT NULL CHECK (data::json IS NOT NULL),
          hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
          CONSTRAINT an_order_is_found_by_its_signal CHECK (order_id IS NULL OR signal_id IS NOT NULL)
        )
        """,
        "CREATE INDEX journal_by_signal ON journal (signal_id, sequence) WHERE signal_id IS NOT NULL",
        // Of two transactions that both see the same last line, the key lets one pass.
        """
        CREATE FUNCTION guard_journal() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM journal) THEN
            RAISE EXCEPTION 'the journal''s numbers have no holes';
          END IF;
          RETURN NEW;
        END $$
        """,
        "CREATE TRIGGER journal_has_no_holes BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION guard_journal()",
        "CREATE TRIGGER journal_is_fixed BEFORE UPDATE ON journal FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    ]

    /// Gateways that work on the store, and the orders at which they died.
    private static let workers = [
        """
        CREATE TABLE workers (
          gateway text NOT NULL,
          host text NOT NULL,
          process_id bigint NOT NULL,
          process_start bigint NOT NULL,
          boot_id text NOT NULL,
          purpose text NOT NULL,
          program_version text NOT NULL,
          schema_version bigint NOT NULL,
          configuration_hash text NOT NULL,
          started_at bigint NOT NULL,
          stopped_at bigint,
          heard_at timestamptz NOT NULL,
          PRIMARY KEY (gateway, host, process_id, process_start, boot_id)
        )
        """,
        // One row for each process that died in a tenure: the same death counts once.
        """
        CREATE TABLE crashes (
          account text NOT NULL,
          epoch bigint NOT NULL,
          counter bigint NOT NULL,
          holder text NOT NULL CHECK (holder::json IS NOT NULL),
          at bigint NOT NULL,
          PRIMARY KEY (account, epoch, counter)
        )
        """,
        // Which orders a death counts against. A person's decision forgets these, not the deaths themselves.
        """
        CREATE TABLE order_crashes (
          order_id text NOT NULL REFERENCES orders (id),
          account text NOT NULL,
          epoch bigint NOT NULL,
          counter bigint NOT NULL,
          PRIMARY KEY (order_id, epoch, counter),
          FOREIGN KEY (account, epoch, counter) REFERENCES crashes
        )
        """,
        "CREATE TABLE dead_letters (order_id text PRIMARY KEY REFERENCES orders (id), since bigint NOT NULL)",
    ]
}
