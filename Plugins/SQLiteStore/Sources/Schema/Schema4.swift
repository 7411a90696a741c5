/// The fourth version: what an order is for, episodes of positions, steps of compensations, and fills that a venue took back.
///
/// Of an episode and a step only what is looked for has columns; the record itself is one text.
enum Schema4 {
    static let intents = """
        ALTER TABLE orders ADD COLUMN intent TEXT CHECK (intent IS NULL OR json_valid(intent));

        DROP TRIGGER orders_keep_their_intent;
        CREATE TRIGGER orders_keep_their_intent BEFORE UPDATE OF sequence, id, signal_id, strategy, account, leg, client_order_id,
          symbol, signal_symbol, type, time_in_force, requested_quantity, reduce_only, stop_loss, take_profit, bracket_role, entry_id,
          reference_price, policy, request_id, created_at, expires_at, intent ON orders
        BEGIN SELECT RAISE(ABORT, 'the intent of an order never changes'); END;

        CREATE TRIGGER orders_keep_their_side BEFORE UPDATE OF side ON orders
        WHEN NEW.side IS NOT OLD.side AND (OLD.attempts > 0 OR OLD.reduce_only = 0 OR OLD.intent IS NULL
          OR coalesce(json_extract(OLD.intent, '$.kind'), 'delta') = 'delta')
        BEGIN SELECT RAISE(ABORT, 'the side of an order is fixed with its first permit'); END;
        """

    static let episodes = """
        CREATE TABLE episodes (
          sequence INTEGER PRIMARY KEY,
          id TEXT NOT NULL UNIQUE CHECK (id <> ''),
          account TEXT NOT NULL CHECK (account <> ''),
          symbol TEXT NOT NULL CHECK (symbol <> ''),
          state TEXT NOT NULL CHECK (state IN ('pending_entry', 'entry_placed', 'pending_stop', 'active', 'closing', 'closed', 'rolled_back')),
          entry_id TEXT NOT NULL REFERENCES orders (id),
          record TEXT NOT NULL CHECK (json_valid(record)),
          is_open INTEGER NOT NULL GENERATED ALWAYS AS (NOT (state = 'closed' OR state = 'rolled_back')) VIRTUAL
        ) STRICT;
        CREATE UNIQUE INDEX episodes_one_open ON episodes (account, symbol) WHERE is_open = 1;
        CREATE INDEX episodes_by_entry ON episodes (entry_id);

        CREATE TRIGGER episodes_are_kept BEFORE DELETE ON episodes BEGIN SELECT RAISE(ABORT, 'an episode is never deleted'); END;
        CREATE TRIGGER episodes_end_once BEFORE UPDATE ON episodes
        WHEN OLD.is_open = 0 OR NEW.id <> OLD.id OR NEW.account <> OLD.account OR NEW.symbol <> OLD.symbol OR NEW.entry_id <> OLD.entry_id
        BEGIN SELECT RAISE(ABORT, 'an episode that has ended stays as it ended, and is always of one instrument'); END;
        """

    static let compensations = """
        CREATE TABLE compensations (
          sequence INTEGER PRIMARY KEY,
          id TEXT NOT NULL UNIQUE CHECK (id <> ''),
          episode_id TEXT NOT NULL REFERENCES episodes (id),
          kind TEXT NOT NULL CHECK (kind IN ('place_stop', 'flatten')),
          state TEXT NOT NULL CHECK (state IN ('planned', 'running', 'done', 'failed')),
          record TEXT NOT NULL CHECK (json_valid(record)),
          is_open INTEGER NOT NULL GENERATED ALWAYS AS (NOT (state = 'done' OR state = 'failed')) VIRTUAL
        ) STRICT;
        CREATE UNIQUE INDEX compensations_one_open ON compensations (episode_id, kind) WHERE is_open = 1;
        CREATE INDEX compensations_by_episode ON compensations (episode_id);
        CREATE TRIGGER compensations_are_kept BEFORE DELETE ON compensations BEGIN SELECT RAISE(ABORT, 'a step is never deleted'); END;
        """

    static let busts = """
        CREATE TABLE busts (
          account TEXT NOT NULL,
          execution_id TEXT NOT NULL,
          at INTEGER NOT NULL,
          PRIMARY KEY (account, execution_id),
          FOREIGN KEY (account, execution_id) REFERENCES fills (account, execution_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX fills_by_symbol ON fills (account, symbol);
        CREATE TRIGGER busts_are_kept BEFORE DELETE ON busts BEGIN SELECT RAISE(ABORT, 'that a fill was taken back is never forgotten'); END;
        """
}
