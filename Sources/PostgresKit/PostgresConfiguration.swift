import CLibpq
import TradingModel

/// Where a server is, and the limits of one connection to it.
public struct PostgresConfiguration: Sendable {
    /// A connection URI or a `key=value` string, as libpq takes it: host, user, password, `sslmode`, `sslrootcert` and the rest.
    public var url: Secret
    /// How long making a connection may take, with the look-up of the name, TLS and the log-in.
    public var connectTimeout: Duration
    /// How long the server works on one statement. An answer that has not come a little later ends the connection.
    public var statementTimeout: Duration
    /// How long an answer may take at most, whatever the server's limits allow; nil for a little longer than those.
    public var answerTimeout: Duration?
    /// How long a statement waits for another transaction's lock.
    public var lockTimeout: Duration
    /// How long a transaction of ours may stand still before the server ends it, so that a stopped process blocks nobody for long.
    public var idleInTransactionTimeout: Duration
    /// The schema in which unqualified names are looked up; nil for the server's choice.
    public var schema: String?
    /// Whether the server takes an index wherever there is one. A statement is planned when its table may still be nearly empty, and a plan
    /// that reads the whole table would then stay until the server has counted the rows, a minute of work or more later.
    public var prefersIndexes: Bool

    public init(
        url: Secret, connectTimeout: Duration = .seconds(10), statementTimeout: Duration = .seconds(20),
        answerTimeout: Duration? = nil, lockTimeout: Duration = .seconds(10), idleInTransactionTimeout: Duration = .seconds(5), schema: String? = nil,
        prefersIndexes: Bool = false
    ) {
        self.url = url
        self.connectTimeout = connectTimeout
        self.statementTimeout = statementTimeout
        self.answerTimeout = answerTimeout
        self.lockTimeout = lockTimeout
        self.idleInTransactionTimeout = idleInTransactionTimeout
        self.schema = schema
        self.prefersIndexes = prefersIndexes
    }

    /// Whether libpq can read the URL. Says nothing about the server.
    public var isReadable: Bool { options != nil }

    /// What libpq reads from the URL.
    private var options: [String: String]? {
        guard !url.isEmpty, let list = PQconninfoParse(url.reveal(), nil) else { return nil }
        defer { PQconninfoFree(list) }
        var options: [String: String] = [:]
        var entry = list
        while let keyword = entry.pointee.keyword {
            if let value = entry.pointee.val { options[String(cString: keyword)] = String(cString: value) }
            entry += 1
        }
        return options
    }

    /// Whether the server is reached without a network that others can listen to.
    private static func isLocal(_ options: [String: String]) -> Bool {
        let hosts = (options["hostaddr"] ?? options["host"] ?? "").split(separator: ",")
        return hosts.allSatisfy { $0.hasPrefix("/") || $0 == "localhost" || $0.hasPrefix("127.") || $0 == "::1" }
    }

    /// The parameters of a connection. Of two with one name the later wins, so that the URL has the last word, except on the name.
    var parameters: [(String, String)] {
        let options = self.options ?? [:]
        var list = [
            ("fallback_application_name", "turnstile"), ("client_encoding", "UTF8"),
            // A peer that vanished without a word is noticed after about ten seconds.
            ("keepalives", "1"), ("keepalives_idle", "5"), ("keepalives_interval", "2"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "10000"),
        ]
        // libpq's own default would go on without TLS when the other side says that it has none.
        if !Self.isLocal(options) { list.append(("sslmode", "verify-full")) }
        return list + [("dbname", url.reveal())]
    }

    /// Sent first on every connection.
    var settings: [PostgresStatement] {
        var values = [
            ("statement_timeout", "\(statementTimeout.wholeMilliseconds)"), ("lock_timeout", "\(lockTimeout.wholeMilliseconds)"),
            ("idle_in_transaction_session_timeout", "\(idleInTransactionTimeout.wholeMilliseconds)"),
            ("standard_conforming_strings", "on"), ("client_min_messages", "warning"),
        ]
        if let schema { values.append(("search_path", schema)) }
        // A plan without a choice counts as very dear, and what is very dear would be compiled first.
        if prefersIndexes { values += [("enable_seqscan", "off"), ("jit", "off")] }
        return values.map { PostgresStatement("SELECT set_config($1, $2, false)", [.text($0.0), .text($0.1)], isPrepared: false) }
    }
}
