import BrokerContract
import Foundation
import PluginSettings
import Testing
import TradingModel

@testable import BinanceStyle

@Suite struct ConfigurationTests {
    private let origin = SourcePosition(line: 1, column: 1)

    private func scalar(_ text: String) -> SettingsNode { SettingsNode(.scalar(text, quoted: false), at: origin) }
    private func block(_ entries: [(String, SettingsNode)]) -> SettingsNode {
        SettingsNode(.block(entries.map { (key: $0.0, position: origin, value: $0.1) }), at: origin)
    }

    private func read(_ node: SettingsNode) -> (BinanceStyleConfiguration, [String]) {
        let problems = SettingsProblems()
        let secrets = SecretResolver(environment: ["KEY": "k", "SECRET": "s", "PEM": SignerTests.privateKey]) { _ in "" }
        let reader = SettingsReader(node, path: "accounts.spot1", problems: problems, secrets: secrets)
        let configuration = BinanceStyleConfiguration(reading: reader)
        reader.finish()
        return (configuration, problems.all.map(\.message))
    }

    private var hmac: SettingsNode { block([("key", scalar("env:KEY")), ("secret", scalar("env:SECRET"))]) }

    @Test func `credentials alone are enough, and point at the testnet`() {
        let (configuration, problems) = read(block([("credentials", hmac)]))
        #expect(problems.isEmpty)
        #expect(configuration.signingKey == .hmac(Secret("s")))
        #expect(configuration.receiveWindow == .seconds(5))
        #expect(configuration.rest?.host() == "testnet.binance.vision")
        #expect(!BinanceStylePlugin.isLive(configuration))
    }

    @Test func `an Ed25519 key is taken as private_key`() {
        let (configuration, problems) = read(
            block([("credentials", block([("key", scalar("env:KEY")), ("private_key", scalar("env:PEM"))]))]))
        #expect(problems.isEmpty)
        #expect(configuration.signingKey == .ed25519(Secret(SignerTests.privateKey)))
    }

    @Test func `everything that is wrong is told at once`() {
        let (_, problems) = read(
            block([
                ("credentials", block([("key", scalar("env:KEY")), ("private_key", scalar("AAAA"))])), ("recv_window", scalar("61s")),
                ("endpoint", block([("rest", scalar("http://127.0.0.1:1"))])), ("recvwindow", scalar("5s")),
            ]))
        #expect(problems.count == 4, "\(problems)")
    }

    @Test(arguments: [
        ("https://api.binance.com", "wss://ws-api.binance.com:443/ws-api/v3", true),
        ("https://api1.binance.com", "wss://ws-api.binance.com/ws-api/v3", true), ("https://api-gcp.binance.com", "ws://127.0.0.1/x", true),
        ("https://api.binance.us", "wss://ws-api.binance.us/ws-api/v3", true),
        ("http://127.0.0.1:9101", "wss://ws-api.binance.com/ws-api/v3", true), ("https://API.BINANCE.COM", "ws://127.0.0.1/x", true),
        ("https://testnet.binance.vision", "wss://ws-api.testnet.binance.vision/ws-api/v3", false),
        ("https://demo-api.binance.com", "wss://demo-ws-api.binance.com/ws-api/v3", false),
        ("http://127.0.0.1:9101", "ws://127.0.0.1:9101/ws-api/v3", false),
    ])
    func `a live venue is recognised by its hosts`(_ rest: String, _ webSocket: String, _ isLive: Bool) {
        let endpoint = block([("rest", scalar(rest)), ("websocket", scalar(webSocket))])
        let (configuration, problems) = read(block([("credentials", hmac), ("endpoint", endpoint)]))
        #expect(problems.isEmpty)
        #expect(BinanceStylePlugin.isLive(configuration) == isLive)
    }

    @Test func `a dialect brings its hosts, its user stream and what it can do`() throws {
        for dialect in BinanceDialect.all {
            let (configuration, problems) = read(block([("credentials", hmac), ("dialect", scalar(dialect.id))]))
            #expect(problems.isEmpty)
            #expect(configuration.rest == URL(string: dialect.rest) && configuration.webSocket == URL(string: dialect.webSocket))
            // What is live is read off the hosts, and the table says the same.
            #expect(BinanceStylePlugin.isLive(configuration) == dialect.isLive, "\(dialect.id)")
        }
        #expect(Set(BinanceDialect.all.map(\.id)).count == BinanceDialect.all.count)
        #expect(BinanceStylePlugin.dialects.map(\.id) == BinanceDialect.all.map(\.id))
    }

    @Test func `an unknown dialect stops the start and lists the known ones`() {
        let (_, problems) = read(block([("credentials", hmac), ("dialect", scalar("usd_m"))]))
        #expect(problems.count == 1)
        #expect(BinanceDialect.all.allSatisfy { dialect in problems.first?.contains(dialect.id) == true })
    }
}
