import Foundation

/// A simulated Binance venue as a process of its own, so that it outlives the gateway.
public struct VenueUnderTest: Sendable {
    public let process: ProcessUnderTest
    public let port: Int
    public var url: String { "http://127.0.0.1:\(port)" }

    public static func start(
        _ simulator: String = "binance", in folder: TemporaryFolder, arguments: [String] = []
    ) async throws -> VenueUnderTest {
        let port = try freePort()
        let process = try ProcessUnderTest(
            ProcessUnderTest.executables + "/turnstile", ["simulate", simulator, "--port", "\(port)"] + arguments, folder: folder.path)
        let venue = VenueUnderTest(process: process, port: port)
        try await waitUntil("the venue answers: \(process.text)") {
            (try? await TestHTTP.get(venue.url + "/_sim/orders").status) == 200
        }
        return venue
    }

    /// Every order that the venue ever accepted.
    public func orders() async throws -> [[String: Any]] { try await TestHTTP.get(url + "/_sim/orders").list }

    public func setPrice(_ price: String, of symbol: String) async throws {
        let reply = try await TestHTTP.post(url + "/_sim/price", #"{"symbol":"\#(symbol)","price":"\#(price)"}"#)
        guard (200..<300).contains(reply.status) else { throw TimedOut(description: "price refused: \(reply.body)") }
    }

    public func faults(_ json: String) async throws {
        let reply = try await TestHTTP.post(url + "/_sim/faults", json)
        guard (200..<300).contains(reply.status) else { throw TimedOut(description: "faults refused: \(reply.body)") }
    }
}

/// The gateway as a real process on a configuration of its own.
public struct GatewayUnderTest: Sendable {
    public let process: ProcessUnderTest
    public let port: Int
    public static let token = "reader-token-for-tests"
    public static let tradeToken = "trader-token-for-tests"
    public static let adminToken = "admin-token-for-tests"
    public static let secret = "hook-secret-for-tests"
    public var url: String { "http://127.0.0.1:\(port)" }

    /// Writes `turnstile.yaml` for one source, one Binance-style account and one strategy.
    public static func configure(
        in folder: TemporaryFolder, port: Int, venuePort: Int, policy: String = "{ cooldown: 0s, long_only: true }", locks: String = "{ type: sqlite, path: locks.db, ttl: 3s }"
    ) throws {
        let account = """
            broker: binance
            endpoint: { rest: "http://127.0.0.1:\(venuePort)", websocket: "ws://127.0.0.1:\(venuePort)/ws-api/v3" }
            credentials: { key: test-key, secret: test-secret }
            recv_window: 1s
            visibility_horizon: 200ms
            request_timeout: 2s
            """
        try configure(in: folder, port: port, account: account, symbol: "BTCUSDT", policy: policy, locks: locks)
    }

    /// The same file for an account at any venue.
    ///
    /// - Parameters:
    ///   - account: The lines of the account's block, without indentation.
    ///   - symbol: What the venue calls the instrument that signals call BTCUSD.
    public static func configure(
        in folder: TemporaryFolder, port: Int, account: String, symbol: String, multiply: Int = 1, policy: String = "{ cooldown: 0s, long_only: true }",
        locks: String = "{ type: sqlite, path: locks.db, ttl: 3s }", maximumAge: String = "120s"
    ) throws {
        try folder.write(
            """
            version: 1
            http: { host: 127.0.0.1, port: \(port), tokens: { reader: \(token), trader: \(tradeToken), admin: \(adminToken) }, coarse_limit_per_second: 100000 }
            store: { type: sqlite, path: turnstile.db }
            locks: \(locks)
            gateway: { id: gw-test, send_window: 1s, pause_margin: 1s }
            sources:
              tv: { format: native, secret: \(secret), dedupe: { window: 5m }, rate_limit: none, max_age: \(maximumAge) }
            accounts:
              spot1:
            \(account.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
            strategies:
              trend:
                source: tv
                symbols: { BTCUSD: { spot1: \(symbol) } }
                accounts: { spot1: { multiply: \(multiply) } }
                policy: \(policy)
            """, to: "turnstile.yaml")
    }

    public static func start(in folder: TemporaryFolder, port: Int, environment: [String: String] = [:]) async throws -> GatewayUnderTest {
        try await start(inFolder: folder.path, port: port, environment: environment)
    }

    /// Starts it on the `turnstile.yaml` of this folder, and waits until it answers.
    public static func start(
        inFolder folder: String, port: Int, environment: [String: String] = [:], logLevel: String = "info"
    ) async throws -> GatewayUnderTest {
        let process = try ProcessUnderTest(
            ProcessUnderTest.executables + "/turnstile", ["serve", "--config", "turnstile.yaml", "--log-level", logLevel],
            environment: environment, folder: folder)
        let gateway = GatewayUnderTest(process: process, port: port)
        do {
            try await waitUntil("the gateway answers") {
                guard process.isRunning else { return true }
                return (try? await TestHTTP.get(gateway.url + "/livez").status) == 200
            }
        } catch {
            throw TimedOut(description: "\(error): \(process.text.suffix(2000))")
        }
        return gateway
    }

    /// Waits until the account's venue session is up.
    public func waitForAccount(within limit: Duration = .seconds(60)) async throws {
        do {
            try await waitUntil("the account is connected", within: limit) {
                guard process.isRunning else { return true }
                let reply = try? await TestHTTP.get(url + "/readyz?verbose")
                return reply?.status == 200 && reply?.json["status"] as? String == "pass"
            }
        } catch {
            throw TimedOut(description: "\(error): \((try? await TestHTTP.get(url + "/readyz?verbose").body) ?? "") \(process.text.suffix(2000))")
        }
    }

    public func post(_ body: String, headers: [String: String] = [:]) async throws -> TestHTTP.Reply {
        try await TestHTTP.post(url + "/hooks/tv/" + Self.secret, body, headers: headers)
    }

    public func get(_ path: String) async throws -> TestHTTP.Reply { try await TestHTTP.get(url + path, token: Self.token) }

    /// Asks for an order's cancel.
    public func cancel(_ id: String, token: String = tradeToken) async throws -> TestHTTP.Reply {
        try await TestHTTP.send("DELETE", url + "/api/v1/orders/\(id)", headers: ["Authorization": "Bearer \(token)"])
    }

    /// Posts what an operator decides.
    public func decide(_ path: String, _ texts: [String: String]) async throws -> TestHTTP.Reply {
        let body = String(decoding: try JSONSerialization.data(withJSONObject: texts), as: UTF8.self)
        return try await TestHTTP.post(url + "/api/v1/monitoring/" + path, body, headers: ["Authorization": "Bearer \(Self.adminToken)"])
    }

    /// Decides about a parked order.
    public func decideParked(_ order: String, _ decision: String, because reason: String) async throws -> TestHTTP.Reply {
        let body = #"{"decision":"\#(decision)","actor":"ada","reason":"\#(reason)"}"#
        return try await TestHTTP.post(url + "/api/v1/orders/\(order)/decision", body, headers: ["Authorization": "Bearer \(Self.adminToken)"])
    }

    /// Runs a command of the program against this gateway's configuration file until it ends.
    public func command(_ arguments: [String], in folder: TemporaryFolder) async throws -> (exitCode: Int32?, text: String) {
        let process = try ProcessUnderTest(
            ProcessUnderTest.executables + "/turnstile", arguments + ["--config", "turnstile.yaml"], folder: folder.path)
        try await waitUntil("\(arguments) ends: \(process.text)") { !process.isRunning }
        return (process.exitCode, process.text)
    }

    public func orders() async throws -> [[String: Any]] { try await get("/api/v1/orders?limit=1000").list }

    /// Whether it works this account now.
    public func holds(_ account: String) async throws -> Bool {
        try await get("/api/v1/accounts").list.contains { $0["id"] as? String == account && $0["tenure"] is [String: Any] }
    }

    public static func signal(_ action: String = "buy", quantity: String = "0.010", extra: String = "") -> String {
        #"{"v":1,"strategy":"trend","symbol":"BTCUSD","action":"\#(action)","quantity":"\#(quantity)"\#(extra)}"#
    }
}

extension VenueUnderTest {
    /// What a person does at a Tradovate venue, in its own interface and so with a session of his own.
    ///
    /// - Parameter limit: The price of an order that rests; nil for a market order.
    public func tradeByHand(_ action: String, _ quantity: Int, of symbol: String, limit: String? = nil) async throws {
        let login = try await TestHTTP.post(url + "/v1/auth/accesstokenrequest", #"{"name":"any-user","password":"any-password","appId":"web"}"#)
        guard let token = login.json["accessToken"] as? String else { throw TimedOut(description: "no session: \(login.body)") }
        let price = limit.map { #","price":\#($0)"# } ?? ""
        let reply = try await TestHTTP.post(
            url + "/v1/order/placeorder",
            #"{"accountSpec":"DEMO25","accountId":25,"action":"\#(action)","symbol":"\#(symbol)","orderQty":\#(quantity),"orderType":"\#(limit == nil ? "Market" : "Limit")"\#(price),"isAutomated":false}"#,
            headers: ["Authorization": "Bearer \(token)"])
        guard reply.json["orderId"] != nil else { throw TimedOut(description: "not placed: \(reply.body)") }
    }
}

extension GatewayUnderTest {
    /// Adds a section to the `turnstile.yaml` of this folder.
    public static func addSection(_ text: String, in folder: TemporaryFolder) throws {
        let yaml = try String(contentsOfFile: folder.file("turnstile.yaml"), encoding: .utf8)
        try folder.write(yaml + "\n" + text + "\n", to: "turnstile.yaml")
    }

    /// Asks the gateway to ask the venue.
    public func sync(_ path: String) async throws -> TestHTTP.Reply {
        try await TestHTTP.post(url + "/api/v1/" + path + "/sync", "", headers: ["Authorization": "Bearer \(Self.tradeToken)"])
    }
}
