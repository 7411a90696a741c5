import PluginSettings
import Testing
import TradingModel

@testable import Tradovate

@Suite struct ConfigurationTests {
    private let origin = SourcePosition(line: 1, column: 1)

    private func scalar(_ text: String) -> SettingsNode { SettingsNode(.scalar(text, quoted: false), at: origin) }
    private func block(_ entries: [(String, SettingsNode)]) -> SettingsNode {
        SettingsNode(.block(entries.map { (key: $0.0, position: origin, value: $0.1) }), at: origin)
    }

    private func read(_ node: SettingsNode) -> (TradovateConfiguration, [String]) {
        let problems = SettingsProblems()
        let secrets = SecretResolver(environment: ["USER": "u", "PASS": "p"]) { _ in "" }
        let reader = SettingsReader(node, path: "accounts.fut1", problems: problems, secrets: secrets)
        let configuration = TradovateConfiguration(reading: reader)
        reader.finish()
        return (configuration, problems.all.map(\.message))
    }

    @Test(arguments: [("username", "password"), ("key", "secret")])
    func `credentials alone are enough, and point at the demo environment`(_ user: String, _ password: String) {
        let (configuration, problems) = read(
            block([("credentials", block([(user, scalar("env:USER")), (password, scalar("env:PASS"))]))]))
        #expect(problems.isEmpty, "\(problems)")
        #expect(configuration.credentials.username.reveal() == "u" && configuration.credentials.password.reveal() == "p")
        #expect(configuration.rest?.host() == "demo.tradovateapi.com" && !TradovatePlugin.isLive(configuration))
        #expect(configuration.credentials.deviceID.count == 64)
        #expect(configuration.lockPause == .seconds(3600))
    }

    @Test func `everything is read`() {
        let (configuration, problems) = read(
            block([
                (
                    "credentials",
                    block([
                        ("username", scalar("u")), ("password", scalar("p")), ("app_id", scalar("App")), ("app_version", scalar("2")),
                        ("cid", scalar("8")), ("sec", scalar("x")), ("device_id", scalar("device")),
                    ])
                ), ("account", scalar("DEMO25")), ("roll", block([("MNQ", scalar("5d_before_expiry"))])), ("lock_pause", scalar("2s")),
                ("endpoint", block([("rest", scalar("http://127.0.0.1:9/v1/")), ("websocket", scalar("ws://127.0.0.1:9/v1/websocket"))])),
            ]))
        #expect(problems.isEmpty, "\(problems)")
        #expect(configuration.roll == ["MNQ": .daysBeforeExpiry(5)] && configuration.account == "DEMO25")
        #expect(configuration.credentials.clientID == "8" && configuration.restBase == "http://127.0.0.1:9")
    }

    @Test func `everything that is wrong is told at once`() {
        let (_, problems) = read(
            block([
                ("credentials", block([("username", scalar("u")), ("cid", scalar("8"))])), ("roll", block([("MNQ", scalar("soon"))])),
                ("endpoint", block([("rest", scalar("http://127.0.0.1:1"))])), ("acount", scalar("x")),
            ]))
        #expect(problems.count == 5, "\(problems)")
    }

    @Test(arguments: [
        ("live.tradovateapi.com", true), ("demo.tradovateapi.com", false), ("DEMO.tradovateapi.com", false), ("md.tradovateapi.com", true),
        ("demo-api.staging.ninjatrader.dev", false), ("live-api.staging.ninjatrader.dev", true), ("127.0.0.1", false), ("tradovate.com", true),
        ("demo.tradovateapi.com.example.org", false),
    ])
    func `what is not known as demo is live`(_ host: String, _ isLive: Bool) { #expect(VenueHost(host).isLive == isLive) }
}
