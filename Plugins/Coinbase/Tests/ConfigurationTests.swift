import PluginSettings
import Testing
import TradingModel

@testable import Coinbase

@Suite struct ConfigurationTests {
    private let origin = SourcePosition(line: 1, column: 1)

    private func scalar(_ text: String) -> SettingsNode { SettingsNode(.scalar(text, quoted: false), at: origin) }
    private func block(_ entries: [(String, SettingsNode)]) -> SettingsNode {
        SettingsNode(.block(entries.map { (key: $0.0, position: origin, value: $0.1) }), at: origin)
    }

    private func read(_ node: SettingsNode) -> (CoinbaseConfiguration, [String]) {
        let problems = SettingsProblems()
        let secrets = SecretResolver(environment: ["NAME": TestKeys.name, "PEM": TestKeys.sec1.replacing("\n", with: "\\n")]) { _ in "" }
        let reader = SettingsReader(node, path: "accounts.cb1", problems: problems, secrets: secrets)
        let configuration = CoinbaseConfiguration(reading: reader)
        reader.finish()
        return (configuration, problems.all.map(\.message))
    }

    @Test(arguments: [("key_name", "private_key"), ("key", "secret"), ("key", "private_key")])
    func `credentials alone are enough, in either spelling, and point at the live venue`(_ name: String, _ key: String) {
        let (configuration, problems) = read(block([("credentials", block([(name, scalar("env:NAME")), (key, scalar("env:PEM"))]))]))
        #expect(problems.isEmpty, "\(problems)")
        #expect(configuration.keyName == TestKeys.name)
        #expect(configuration.rest?.host() == "api.coinbase.com")
        #expect(CoinbasePlugin.isLive(configuration))
        #expect(CoinbasePlugin.defaultMode != .live)
    }

    @Test func `everything that is wrong is told at once, and no key is repeated`() {
        let (_, problems) = read(
            block([
                ("credentials", block([("key_name", scalar("k")), ("key", scalar("k")), ("private_key", scalar("not-a-key"))])),
                ("endpoint", block([("rest", scalar("http://127.0.0.1:1"))])), ("portfolio", scalar("mine")),
                ("visibility_horizon", scalar("11m")), ("lookup_windows", scalar("1d")),
            ]))
        #expect(problems.count == 6, "\(problems)")
        #expect(!problems.joined().contains("not-a-key"))
    }

    @Test(arguments: [
        ("https://api.coinbase.com", "wss://advanced-trade-ws-user.coinbase.com", true), ("https://API.COINBASE.COM", "ws://127.0.0.1/x", true),
        ("http://127.0.0.1:9102", "wss://advanced-trade-ws-user.coinbase.com", true), ("https://api.next.coinbase.com", "ws://127.0.0.1", true),
        ("https://api-sandbox.coinbase.com", "ws://127.0.0.1:9102", false), ("http://127.0.0.1:9102", "ws://127.0.0.1:9102", false),
    ])
    func `a live venue is recognised by its hosts`(_ rest: String, _ webSocket: String, _ isLive: Bool) {
        let credentials = block([("key_name", scalar("env:NAME")), ("private_key", scalar("env:PEM"))])
        let endpoint = block([("rest", scalar(rest)), ("websocket", scalar(webSocket)), ("trust_roots", scalar("ca.pem"))])
        let (configuration, problems) = read(block([("credentials", credentials), ("endpoint", endpoint)]))
        #expect(problems.isEmpty, "\(problems)")
        #expect(configuration.trustRootsFile == "ca.pem")
        #expect(CoinbasePlugin.isLive(configuration) == isLive)
    }
}
