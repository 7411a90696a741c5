import Foundation

/// A gateway's configuration for a measurement: as an operator writes it, without rate limits.
struct RigConfiguration: Sendable {
    /// Base URL of each account's venue, and whether it is a WebSocket API's address too.
    var accounts: [String: VenueAddress]
    /// Each of them trades on these accounts. They are called s0, s1, …
    var strategies: [[String]]
    /// How long a signal may wait for its venue.
    var maximumAge: String = "3600s"
    /// For several gateways on one store; nil for a store and locks of its own.
    var shared: SharedBackends?
    var id = "bench"

    struct VenueAddress: Sendable {
        let port: Int
        /// Nobody listens there: orders are stored and wait.
        static let down = VenueAddress(port: 1)
    }

    func text(folder: String) -> String {
        var lines = [
            "version: 1",
            "http: { host: 127.0.0.1, port: 0, coarse_limit_per_second: 1000000, tokens: { reader: bench-reader } }",
            "store: \(shared?.store ?? "{ type: sqlite, path: '\(folder)/turnstile.db' }")",
            "locks: \(shared?.locks ?? "{ type: sqlite, ttl: 30s }")",
            "gateway: { id: \(id), state_directory: '\(folder)' }",
            "sources:",
            "  bench: { format: native, secret: \(Rig.secret), rate_limit: none, max_age: \(maximumAge) }",
            "accounts:",
        ]
        for (name, address) in accounts.sorted(by: { $0.key < $1.key }) {
            lines.append("  \(name):")
            lines.append("    broker: binance")
            lines.append(
                "    endpoint: { rest: 'http://127.0.0.1:\(address.port)', websocket: 'ws://127.0.0.1:\(address.port)/ws-api/v3' }")
            lines.append("    credentials: { key: key-\(name), secret: secret-\(name) }")
        }
        lines.append("strategies:")
        for (index, names) in strategies.enumerated() {
            lines.append("  s\(index):")
            lines.append("    source: bench")
            lines.append("    symbols: { BTCUSD: { \(names.map { "\($0): BTCUSDT" }.joined(separator: ", ")) } }")
            lines.append("    accounts: { \(names.map { "\($0): { multiply: 1 }" }.joined(separator: ", ")) }")
            lines.append("    policy: { cooldown: 0s, long_only: false }")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// The servers that are measured, in a folder of their own on the disk whose figures are told.
struct Rig: Sendable {
    static let secret = "bench-secret"

    let turnstile: String
    let folder: String

    /// A gateway with an empty store unless `reusing` names the folder of an earlier one.
    func withGateway<T>(
        _ configuration: RigConfiguration, reusing earlier: String? = nil, _ body: (Gateway) async throws -> T
    ) async throws -> T {
        let own = earlier ?? "\(folder)/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
        let file = "\(own)/turnstile.yaml"
        try Data(configuration.text(folder: own).utf8).write(to: URL(fileURLWithPath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        let process = try ChildProcess(turnstile, ["serve", "--config", file], log: "\(own)/gateway.log")
        return try await stopping(process) {
            try await body(Gateway(process: process, port: process.port(), folder: own))
        }
    }

    func withVenue<T>(_ body: (RigConfiguration.VenueAddress) async throws -> T) async throws -> T {
        let limits = ["--orders-per-ten-seconds", "1000000", "--weight-per-minute", "10000000"]
        let process = try ChildProcess(
            turnstile, ["simulate", "binance", "--port", "0"] + limits, log: "\(folder)/venue-\(UUID().uuidString).log")
        return try await stopping(process) { try await body(.init(port: process.port())) }
    }

    private func stopping<T>(_ process: ChildProcess, _ body: () async throws -> T) async throws -> T {
        let result: Result<T, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await process.stop()
        return try result.get()
    }

    struct Gateway: Sendable {
        let process: ChildProcess
        let port: Int
        let folder: String
        var store: String { "\(folder)/turnstile.db" }
    }
}
