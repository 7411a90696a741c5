import Foundation
import GatewayConfiguration
import PluginSettings
import Testing

@testable import turnstile

/// The examples in `config/`, read by the program's own composition.
@Suite struct ExampleTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "config")

    private static var examples: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return names.filter { $0.hasSuffix(".example.yaml") }.sorted()
    }

    private func load(_ name: String) throws -> ConfigurationFile {
        let environment = [
            "TURNSTILE_READ_TOKEN": "r", "TURNSTILE_TRADE_TOKEN": "t", "TURNSTILE_ADMIN_TOKEN": "a", "TV_SECRET": "s1", "TV_SECRET_OLD": "s0", "BINANCE_KEY": "k", "BINANCE_SECRET": "s",
            "REDIS_URL": "redis://127.0.0.1:6379", "DATABASE_URL": "postgresql://turnstile@127.0.0.1/turnstile",
            "BINANCE_KEY_2": "k2", "BINANCE_SECRET_2": "s2", "BOT_SIGNING_KEY": "whsec_" + Data(repeating: 1, count: 32).base64EncodedString(),
        ]
        let secrets = SecretResolver(environment: environment) { path in
            guard path == "/run/secrets/tv_secret" else { throw CocoaError(.fileNoSuchFile) }
            return "from-file"
        }
        let loader = ConfigurationLoader(brokers: allBrokers(), locks: allLocks(), stores: allStores(), limiters: allRateLimiters(), secrets: secrets)
        return try loader.load(path: Self.folder.appending(path: name).path())
    }

    @Test(arguments: examples)
    func `an example is read without a problem`(_ name: String) throws {
        let file = try load(name)
        #expect(!file.gateway.strategies.isEmpty)
        #expect(!file.http.tokens.isEmpty)
    }

    @Test func `there is an example for every broker, lock and store`() throws {
        let files = try Self.examples.map(load)
        #expect(Set(files.flatMap { $0.gateway.accounts.map(\.broker) }) == Set(allBrokers().entries.map(\.id)))
        #expect(Set(files.map(\.locks.type)) == Set(allLocks().ids))
        #expect(Set(files.map(\.store.type)) == Set(allStores().ids))
    }

    @Test func `the smallest example has at most 25 lines`() throws {
        let text = try String(contentsOf: Self.folder.appending(path: "paper.example.yaml"), encoding: .utf8)
        #expect(text.split(separator: "\n").count <= 25)
    }

    @Test func `a live endpoint of a real plugin is refused without the word live`() throws {
        let text = """
            version: 1
            store: { type: sqlite }
            locks: { type: sqlite }
            accounts:
              spot1:
                broker: binance
                endpoint: { rest: "https://api.binance.com", websocket: "wss://ws-api.binance.com/ws-api/v3" }
                credentials: { key: k, secret: s }
            """
        let error = #expect(throws: ConfigurationError.self) { try ConfigurationLoader.program.load(Array(text.utf8), name: "t.yaml") }
        #expect(error?.problems.map(\.position) == [SourcePosition(line: 6, column: 5)])
        #expect(error?.description.contains("mode: live") == true)
    }

    @Test func `a file that is not there says so`() {
        let error = #expect(throws: ConfigurationError.self) { try ConfigurationLoader.program.load(path: "/nonexistent/turnstile.yaml") }
        #expect(error?.description.hasPrefix("/nonexistent/turnstile.yaml:1:1 cannot be read") == true)
    }
}
