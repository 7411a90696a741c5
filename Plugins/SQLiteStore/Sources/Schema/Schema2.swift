/// The second version: gateways that share the file know of each other, and orders at which they die again and again.
enum Schema2 {
    static let workers = """
        CREATE TABLE workers (
          key TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),
          gateway TEXT NOT NULL,
          holder TEXT NOT NULL CHECK (json_valid(holder)),
          boot_id TEXT NOT NULL,
          program_version TEXT NOT NULL,
          schema_version INTEGER NOT NULL,
          configuration_hash TEXT NOT NULL,
          started_at INTEGER NOT NULL,
          heard_at INTEGER NOT NULL,
          heard_since_boot INTEGER NOT NULL,
          stopped_at INTEGER
        ) STRICT, WITHOUT ROWID;
        """

    static let deadLetters = """
        CREATE TABLE crashes (
          order_id TEXT NOT NULL REFERENCES orders (id),
          account TEXT NOT NULL,
          epoch INTEGER NOT NULL,
          counter INTEGER NOT NULL,
          holder TEXT NOT NULL CHECK (json_valid(holder)),
          at INTEGER NOT NULL,
          is_forgotten INTEGER NOT NULL DEFAULT 0 CHECK (is_forgotten IN (0, 1)),
          PRIMARY KEY (order_id, epoch, counter)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX crashes_by_tenure ON crashes (account, epoch, counter);

        CREATE TABLE dead_letters (
          order_id TEXT NOT NULL PRIMARY KEY REFERENCES orders (id),
          since INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
