import Foundation

/// Several gateways as processes, each with its own file, port and id, on one order store, one lock backend and one simulated venue.
public struct ClusterUnderTest: Sendable {
    public struct Options: Sendable {
        /// Each has its own credentials, which makes it an account of its own at the simulated venue.
        public var accounts = 1
        public var strategies: [ClusterStrategy] = []
        public var ttl = "3s"
        public var sendWindow = "1s"
        public var maximumAge = "600s"
        public init(accounts: Int = 1, strategies: [ClusterStrategy]? = nil) {
            self.accounts = accounts
            self.strategies = strategies ?? (1...accounts).map { ClusterStrategy("s\($0)", accounts: [$0]) }
        }
    }

    public let options: Options
    public let store: SharedStore
    public let locks: SharedLocks
    public let venue: VenueUnderTest
    private let folder: TemporaryFolder

    /// Runs `body` with a store, a lock backend and a venue; the gateways are started by it.
    public static func with(
        _ options: Options, store: SharedStoreKind, locks: SharedLockKind, _ body: (ClusterUnderTest) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            try await with(options, store: store, locks: try await SharedLocks.start(locks, in: folder), folder: folder, body)
        }
    }

    /// The same with locks that the test has started; they are removed at the end.
    public static func with(
        _ options: Options, store: SharedStoreKind, locks: SharedLocks, folder: TemporaryFolder, _ body: (ClusterUnderTest) async throws -> Void
    ) async throws {
        let store = try await SharedStore.start(store, in: folder)
        let limits = ["--orders-per-ten-seconds", "1000000", "--weight-per-minute", "10000000"]
        let result = await Result.of {
            let venue = try await VenueUnderTest.start(in: folder, arguments: limits)
            try await body(ClusterUnderTest(options: options, store: store, locks: locks, venue: venue, folder: folder))
            try await venue.process.kill9()
        }
        await locks.remove()
        await store.remove()
        try result.get()
    }

    /// Starts gateway `number`, from 1 on, and waits until all its accounts are connected.
    public func start(_ number: Int, environment: [String: String] = [:]) async throws -> GatewayUnderTest {
        let own = folder.file("gw-\(number)")
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
        let port = try freePort()
        try configuration(number, port: port).write(toFile: own + "/turnstile.yaml", atomically: true, encoding: .utf8)
        let gateway = try await GatewayUnderTest.start(inFolder: own, port: port, environment: environment, logLevel: "notice")
        // Several that start at once on a busy machine, each with many accounts, take their time.
        try await gateway.waitForAccount(within: .seconds(180))
        return gateway
    }

    /// Starts gateways 1 to `count`, at the same time.
    public func start(gateways count: Int) async throws -> [GatewayUnderTest] {
        try await withThrowingTaskGroup(of: (Int, GatewayUnderTest).self) { group in
            for number in 1...count { group.addTask { (number, try await start(number)) } }
            return try await group.reduce(into: [(Int, GatewayUnderTest)]()) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    public func folder(of number: Int) -> String { folder.file("gw-\(number)") }

    /// Account `number`, from 1 on, as the gateways call it.
    public static func account(_ number: Int) -> String { "a\(number)" }
    /// The same as the venue calls it: by its key, which is short enough to be shown whole.
    public static func key(_ number: Int) -> String { String(format: "key-%04d", number) }

    private func configuration(_ number: Int, port: Int) -> String {
        var lines = [
            "version: 1",
            "http: { host: 127.0.0.1, port: \(port), tokens: { reader: \(GatewayUnderTest.token) }, coarse_limit_per_second: 1000000 }",
            "store: \(store.settings)",
            "locks: \(locks.text(gateway: number, ttl: options.ttl))",
            "gateway: { id: gw-\(number), send_window: \(options.sendWindow), pause_margin: 1s, lock_delay: 500ms }",
            "sources:",
            "  tv: { format: native, secret: \(GatewayUnderTest.secret), dedupe: { window: 5m }, rate_limit: none, max_age: \(options.maximumAge) }",
            "accounts:",
        ]
        for account in 1...options.accounts {
            lines += [
                "  \(Self.account(account)):",
                "    broker: binance",
                "    endpoint: { rest: \"\(venue.url)\", websocket: \"ws://127.0.0.1:\(venue.port)/ws-api/v3\" }",
                "    credentials: { key: \(Self.key(account)), secret: test-secret }",
                "    recv_window: 1s",
                "    visibility_horizon: 200ms",
                "    request_timeout: 2s",
            ]
        }
        lines.append("strategies:")
        for strategy in options.strategies { lines += strategy.lines }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// A strategy of a cluster's configuration.
public struct ClusterStrategy: Sendable {
    public let name: String
    /// By their numbers, from 1 on.
    public let accounts: [Int]
    let policy: String

    public init(_ name: String, accounts: [Int], policy: String = "{ cooldown: 0s, long_only: true }") {
        self.name = name
        self.accounts = accounts
        self.policy = policy
    }

    fileprivate var lines: [String] {
        let names = accounts.map(ClusterUnderTest.account)
        return [
            "  \(name):",
            "    source: tv",
            "    symbols: { BTCUSD: { \(names.map { "\($0): BTCUSDT" }.joined(separator: ", ")) } }",
            "    accounts: { \(names.map { "\($0): { multiply: 1 }" }.joined(separator: ", ")) }",
            "    policy: \(policy)",
        ]
    }
}

extension Result where Failure == any Error {
    /// What `body` returned or threw.
    fileprivate static func of(_ body: () async throws -> Success) async -> Self {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
