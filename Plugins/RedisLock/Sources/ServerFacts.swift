import RedisKit
import TradingModel

/// What a server says about itself, as far as it matters for locks.
struct ServerFacts: Sendable, Hashable {
    /// Names the server's process: another one after each restart.
    var run: String
    var warnings: [String]

    /// Asks the server, and throws if it must not be used.
    static func read(_ connection: RedisConnection, within timeout: Duration) async throws(RedisError) -> ServerFacts {
        switch await connection.send(["INFO"], within: timeout) {
        case .reply(let value):
            if let error = value.error { throw RedisError("INFO: \(error)", isRefusal: true) }
            return try ServerFacts(info: value.string ?? "")
        case .notSent(let why), .lost(let why): throw RedisError("INFO: \(why)")
        }
    }

    /// - Parameter info: The answer to `INFO`: lines `name:value`.
    init(info: String) throws(RedisError) {
        var values: [Substring: Substring] = [:]
        for line in info.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        func refuse(_ why: String) -> RedisError { RedisError(why, isRefusal: true) }
        guard let run = values["run_id"], !run.isEmpty else { throw refuse("the server does not tell its run_id") }
        guard values["loading"] ?? "0" == "0" else { throw RedisError("the server is loading its data") }
        let mode = values["redis_mode"] ?? "standalone"
        guard mode == "standalone" else { throw refuse("the server runs as \(mode); only a single server is supported") }
        guard values["role"] == "master" else { throw refuse("the server is a \(values["role"] ?? "?"), not a master") }
        let policy = values["maxmemory_policy"] ?? "?"
        guard values["maxmemory"] == "0" || policy == "noeviction" else {
            throw refuse("the server may evict locks: maxmemory is set with maxmemory-policy \(policy); set maxmemory-policy noeviction")
        }
        self.run = String(run)
        warnings = []
        if let replicas = values["connected_slaves"], replicas != "0" {
            warnings.append("\(replicas) replicas: a promoted replica may have lost locks; they are granted twice then, and the order store decides")
        }
        if values["aof_enabled"] != "1" {
            warnings.append("appendonly is off: a restart loses locks that are held; the epoch rises with it")
        }
    }
}
