/// The first version of the tables. Frozen: a later version is a migration of its own.
///
/// Two generated columns hold the only lists of states. `is_open` negates the terminal ones, so that a state added later is
/// protected by every index and limit; `traded_at` says when an order counts as a trade.
enum Schema1 {
    /// Not `IN`: for a list of three and more SQLite fills a temporary table, for each list and with each row that is written.
    private static func isOneOf(_ column: String, _ words: String...) -> String {
        "(" + words.map { "\(column) = '\($0)'" }.joined(separator: " OR ") + ")"
    }

    private static let isState = isOneOf(
        "state", "queued", "permitted", "unknown", "resolving", "parked", "absent", "accepted", "partially_filled", "cancel_pending",
        "replace_pending", "filled", "cancelled", "expired", "rejected", "abandoned", "skipped", "blocked", "stale")
    private static let isTerminal = isOneOf("state", "filled", "cancelled", "expired", "rejected", "abandoned", "skipped", "blocked", "stale")

    static let signals = """
        CREATE TABLE meta (
          id INTEGER PRIMARY KEY CHECK (id = 1),
          store_id TEXT NOT NULL,
          epoch INTEGER NOT NULL CHECK (epoch >= 1),
          created_at INTEGER NOT NULL,
          checked_at INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE signals (
          sequence INTEGER PRIMARY KEY,
          id TEXT NOT NULL UNIQUE CHECK (id <> ''),
          source TEXT NOT NULL CHECK (source <> ''),
          key_hash BLOB NOT NULL CHECK (length(key_hash) = 32),
          key_is_explicit INTEGER NOT NULL CHECK (key_is_explicit IN (0, 1)),
          occurrence INTEGER NOT NULL CHECK (occurrence >= 1),
          body_hash BLOB NOT NULL CHECK (length(body_hash) = 32),
          body TEXT NOT NULL,
          verdict TEXT NOT NULL CHECK (\(isOneOf("verdict", "accepted", "stale", "parked"))),
          strategy TEXT,
          received_at INTEGER NOT NULL,
          fired_at INTEGER,
          client_address TEXT NOT NULL,
          request_id TEXT NOT NULL,
          traceparent TEXT,
          answer_status INTEGER NOT NULL,
          answer_body TEXT NOT NULL,
          copies INTEGER NOT NULL CHECK (copies >= 0),
          UNIQUE (source, key_hash, occurrence),
          CHECK (occurrence = 1 OR key_is_explicit = 0)
        ) STRICT;

        CREATE TRIGGER signals_are_kept BEFORE DELETE ON signals
        BEGIN SELECT RAISE(ABORT, 'a signal is never deleted'); END;

        CREATE TRIGGER signals_are_fixed BEFORE UPDATE OF sequence, id, source, key_hash, key_is_explicit, occurrence, body_hash, body,
          verdict, strategy, received_at, fired_at, client_address, request_id, traceparent, answer_status, answer_body ON signals
        BEGIN SELECT RAISE(ABORT, 'of a signal only the count of copies changes'); END;

        CREATE TABLE rate_events (key TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
        CREATE INDEX rate_events_by_key ON rate_events (key, at);
        """

    static let orders = """
        CREATE TABLE orders (
          sequence INTEGER PRIMARY KEY,
          id TEXT NOT NULL UNIQUE CHECK (id <> ''),
          signal_id TEXT NOT NULL REFERENCES signals (id),
          strategy TEXT NOT NULL CHECK (strategy <> ''),
          account TEXT NOT NULL CHECK (account <> ''),
          leg INTEGER NOT NULL CHECK (leg >= 0),
          client_order_id TEXT NOT NULL CHECK (client_order_id <> ''),
          symbol TEXT NOT NULL CHECK (symbol <> ''),
          signal_symbol TEXT NOT NULL,
          side TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
          type TEXT NOT NULL CHECK (\(isOneOf("type", "market", "limit", "stop", "stop_limit", "trailing_stop"))),
          time_in_force TEXT NOT NULL CHECK (\(isOneOf("time_in_force", "day", "gtc", "ioc", "fok", "gtd"))),
          requested_quantity TEXT NOT NULL CHECK (CAST(requested_quantity AS REAL) >= 0),
          quantity TEXT CHECK (quantity IS NULL OR CAST(quantity AS REAL) > 0),
          limit_price TEXT CHECK (limit_price IS NULL OR CAST(limit_price AS REAL) > 0),
          stop_price TEXT CHECK (stop_price IS NULL OR CAST(stop_price AS REAL) > 0),
          reduce_only INTEGER NOT NULL CHECK (reduce_only IN (0, 1)),
          stop_loss TEXT CHECK (stop_loss IS NULL OR CAST(stop_loss AS REAL) > 0),
          take_profit TEXT CHECK (take_profit IS NULL OR CAST(take_profit AS REAL) > 0),
          bracket_role TEXT CHECK (bracket_role IS NULL OR \(isOneOf("bracket_role", "stop_loss", "take_profit"))),
          entry_id TEXT REFERENCES orders (id),
          reference_price TEXT,
          policy TEXT NOT NULL CHECK (json_valid(policy)),
          state TEXT NOT NULL CHECK (\(isState)),
          reason TEXT,
          detail TEXT,
          filled_quantity TEXT NOT NULL CHECK (CAST(filled_quantity AS REAL) >= 0),
          average_price TEXT,
          venue_order_id TEXT,
          venue_status TEXT,
          attempts INTEGER NOT NULL CHECK (attempts >= 0),
          version INTEGER NOT NULL CHECK (version >= 1),
          request_id TEXT NOT NULL,
          created_at INTEGER NOT NULL,
          updated_at INTEGER NOT NULL,
          filled_at INTEGER,
          expires_at INTEGER NOT NULL,
          is_open INTEGER NOT NULL GENERATED ALWAYS AS
            (NOT \(isTerminal)) VIRTUAL,
          traded_at INTEGER GENERATED ALWAYS AS (CASE WHEN attempts >= 1 AND entry_id IS NULL AND (
            NOT \(isTerminal)
            OR filled_quantity <> '0') THEN coalesce(filled_at, created_at) END) VIRTUAL,
          UNIQUE (signal_id, strategy, account, leg),
          UNIQUE (account, client_order_id),
          CONSTRAINT limit_price_iff_needed CHECK ((type IN ('limit', 'stop_limit')) = (limit_price IS NOT NULL)),
          CONSTRAINT stop_price_iff_needed CHECK ((type IN ('stop', 'stop_limit')) = (stop_price IS NOT NULL)),
          CONSTRAINT a_leg_has_its_entry CHECK ((bracket_role IS NULL) = (entry_id IS NULL)),
          CONSTRAINT a_leg_is_what_its_role_says CHECK (bracket_role IS NULL OR (
            type = CASE bracket_role WHEN 'stop_loss' THEN 'stop' ELSE 'limit' END AND stop_loss IS NULL AND take_profit IS NULL)),
          CONSTRAINT complete_once_permitted
            CHECK (\(isOneOf("state", "queued", "skipped", "blocked", "stale")) OR (quantity IS NOT NULL AND attempts >= 1)),
          CONSTRAINT an_ending_has_its_reason
            CHECK (NOT \(isOneOf("state", "rejected", "abandoned", "skipped", "blocked", "stale")) OR (reason IS NOT NULL AND reason <> '')),
          CONSTRAINT filled_means_a_quantity
            CHECK (state NOT IN ('filled', 'partially_filled') OR CAST(filled_quantity AS REAL) > 0)
        ) STRICT;

        CREATE INDEX orders_open ON orders (account, sequence) WHERE is_open = 1;
        CREATE INDEX orders_working ON orders (account, symbol) WHERE is_open = 1 AND attempts >= 1;
        CREATE INDEX orders_by_venue_id ON orders (account, symbol, venue_order_id) WHERE venue_order_id IS NOT NULL;
        CREATE UNIQUE INDEX orders_legs ON orders (entry_id, bracket_role) WHERE entry_id IS NOT NULL;
        CREATE INDEX orders_traded ON orders (strategy, traded_at) WHERE traded_at IS NOT NULL;
        CREATE INDEX orders_traded_by_account ON orders (strategy, account, traded_at) WHERE traded_at IS NOT NULL;

        CREATE TRIGGER orders_are_kept BEFORE DELETE ON orders
        BEGIN SELECT RAISE(ABORT, 'an order is never deleted'); END;

        CREATE TRIGGER orders_keep_their_intent BEFORE UPDATE OF sequence, id, signal_id, strategy, account, leg, client_order_id,
          symbol, signal_symbol, side, type, time_in_force, requested_quantity, reduce_only, stop_loss, take_profit, bracket_role, entry_id,
          reference_price, policy, request_id, created_at, expires_at ON orders
        BEGIN SELECT RAISE(ABORT, 'the intent of an order never changes'); END;

        CREATE TRIGGER orders_end_once BEFORE UPDATE OF state ON orders
        WHEN OLD.is_open = 0 AND NEW.state IS NOT OLD.state
        BEGIN SELECT RAISE(ABORT, 'a terminal order stays as it ended'); END;

        CREATE TRIGGER orders_keep_their_quantity BEFORE UPDATE OF quantity ON orders
        WHEN OLD.quantity IS NOT NULL AND NEW.quantity IS NOT OLD.quantity
        BEGIN SELECT RAISE(ABORT, 'the quantity of an order is fixed with its first permit'); END;

        CREATE TRIGGER orders_count_up BEFORE UPDATE ON orders
        WHEN NEW.version <> OLD.version + 1 OR NEW.attempts < OLD.attempts
          OR CAST(NEW.filled_quantity AS REAL) < CAST(OLD.filled_quantity AS REAL)
        BEGIN SELECT RAISE(ABORT, 'version, attempts and filled quantity of an order only rise'); END;
        """

    static let attempts = """
        CREATE TABLE attempts (
          order_id TEXT NOT NULL REFERENCES orders (id),
          number INTEGER NOT NULL CHECK (number >= 1),
          epoch INTEGER NOT NULL,
          counter INTEGER NOT NULL,
          owner TEXT NOT NULL CHECK (owner <> ''),
          holder_gateway TEXT NOT NULL,
          holder_host TEXT NOT NULL,
          holder_process_id INTEGER NOT NULL,
          holder_process_start INTEGER NOT NULL,
          holder_boot_id TEXT NOT NULL,
          holder_purpose TEXT NOT NULL,
          permitted_at INTEGER NOT NULL,
          not_after INTEGER NOT NULL,
          not_after_monotonic INTEGER NOT NULL,
          order_hash TEXT NOT NULL CHECK (length(order_hash) = 64),
          outcome TEXT CHECK (\(isOneOf("outcome", "accepted", "refused", "not_sent", "unknown"))),
          evidence TEXT,
          ended_at INTEGER,
          PRIMARY KEY (order_id, number),
          CHECK ((outcome IS NULL) = (ended_at IS NULL))
        ) STRICT, WITHOUT ROWID;

        CREATE UNIQUE INDEX attempts_one_at_a_time ON attempts (order_id) WHERE outcome IS NULL;

        CREATE TRIGGER attempts_are_kept BEFORE DELETE ON attempts
        BEGIN SELECT RAISE(ABORT, 'an attempt is never deleted'); END;

        CREATE TRIGGER attempts_end_once BEFORE UPDATE ON attempts WHEN OLD.outcome IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'the outcome of an attempt is recorded once'); END;

        CREATE TRIGGER attempts_are_fixed BEFORE UPDATE OF order_id, number, epoch, counter, owner, holder_gateway, holder_host,
          holder_process_id, holder_process_start, holder_boot_id, holder_purpose, permitted_at, not_after, not_after_monotonic,
          order_hash ON attempts
        BEGIN SELECT RAISE(ABORT, 'of an attempt only the outcome changes'); END;
        """

    static let ledger = """
        CREATE TABLE fills (
          account TEXT NOT NULL CHECK (account <> ''),
          execution_id TEXT NOT NULL CHECK (execution_id <> ''),
          order_id TEXT NOT NULL REFERENCES orders (id),
          venue_order_id TEXT NOT NULL,
          client_order_id TEXT,
          symbol TEXT NOT NULL CHECK (symbol <> ''),
          side TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
          quantity TEXT NOT NULL CHECK (CAST(quantity AS REAL) > 0),
          price TEXT NOT NULL,
          fee TEXT,
          fee_asset TEXT,
          executed_at INTEGER NOT NULL,
          PRIMARY KEY (account, execution_id)
        ) STRICT;
        CREATE INDEX fills_by_order ON fills (order_id);

        CREATE TRIGGER fills_are_kept BEFORE DELETE ON fills BEGIN SELECT RAISE(ABORT, 'a fill is never deleted'); END;
        CREATE TRIGGER fills_are_fixed BEFORE UPDATE ON fills BEGIN SELECT RAISE(ABORT, 'a fill never changes'); END;

        CREATE TABLE positions (
          account TEXT NOT NULL,
          symbol TEXT NOT NULL,
          quantity TEXT NOT NULL,
          average_price TEXT,
          realized_profit TEXT NOT NULL,
          updated_at INTEGER NOT NULL,
          PRIMARY KEY (account, symbol)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE tenures (
          account TEXT NOT NULL PRIMARY KEY CHECK (account <> ''),
          epoch INTEGER NOT NULL,
          counter INTEGER NOT NULL CHECK (counter >= 1),
          owner TEXT NOT NULL CHECK (owner <> ''),
          holder TEXT NOT NULL CHECK (json_valid(holder)),
          lease_epoch INTEGER NOT NULL,
          lease_counter INTEGER NOT NULL,
          configuration_hash TEXT NOT NULL,
          opened_at INTEGER NOT NULL,
          closed_at INTEGER
        ) STRICT, WITHOUT ROWID;

        CREATE TRIGGER tenures_are_kept BEFORE DELETE ON tenures
        BEGIN SELECT RAISE(ABORT, 'a tenure''s counter is never deleted'); END;

        CREATE TRIGGER tenures_count_up BEFORE UPDATE ON tenures
        WHEN (NEW.epoch, NEW.counter) < (OLD.epoch, OLD.counter)
          OR ((NEW.epoch, NEW.counter) = (OLD.epoch, OLD.counter) AND NEW.owner <> OLD.owner)
        BEGIN SELECT RAISE(ABORT, 'a fence only rises and has one owner'); END;
        """

    static let journal = """
        CREATE TABLE alerts (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          type TEXT NOT NULL CHECK (type <> ''),
          severity TEXT NOT NULL CHECK (\(isOneOf("severity", "low", "medium", "high", "critical"))),
          subject TEXT NOT NULL,
          message TEXT NOT NULL,
          count INTEGER NOT NULL CHECK (count >= 1),
          first_at INTEGER NOT NULL,
          last_at INTEGER NOT NULL,
          resolved_at INTEGER
        ) STRICT;
        CREATE UNIQUE INDEX alerts_open ON alerts (type, subject) WHERE resolved_at IS NULL;

        CREATE TABLE journal (
          sequence INTEGER PRIMARY KEY CHECK (sequence >= 1),
          at INTEGER NOT NULL,
          type TEXT NOT NULL CHECK (type <> ''),
          signal_id TEXT,
          order_id TEXT,
          account TEXT,
          data TEXT NOT NULL CHECK (json_valid(data)),
          hash BLOB NOT NULL CHECK (length(hash) = 32),
          CONSTRAINT an_order_is_found_by_its_signal CHECK (order_id IS NULL OR signal_id IS NOT NULL)
        ) STRICT;
        CREATE INDEX journal_by_signal ON journal (signal_id) WHERE signal_id IS NOT NULL;

        CREATE TRIGGER journal_has_no_holes BEFORE INSERT ON journal
        WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM journal)
        BEGIN SELECT RAISE(FAIL, 'the journal''s numbers have no holes'); END;
        CREATE TRIGGER journal_is_kept BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
        CREATE TRIGGER journal_is_fixed BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
        """
}
