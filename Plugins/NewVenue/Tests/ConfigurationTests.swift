import Foundation
import PluginSettings
import Testing
import TradingModel

@testable import NewVenue

@Suite struct NewVenueConfigurationTests {
    private let origin = SourcePosition(line: 1, column: 1)

    private func scalar(_ text: String) -> SettingsNode { SettingsNode(.scalar(text, quoted: false), at: origin) }
    private func block(_ entries: [(String, SettingsNode)]) -> SettingsNode {
        SettingsNode(.block(entries.map { (key: $0.0, position: origin, value: $0.1) }), at: origin)
    }

    private func read(_ node: SettingsNode) -> (NewVenueConfiguration, [String]) {
        let problems = SettingsProblems()
        let secrets = SecretResolver(environment: ["KEY": "k"]) { _ in "" }
        let reader = SettingsReader(node, path: "accounts.a1", problems: problems, secrets: secrets)
        let configuration = NewVenueConfiguration(reading: reader)
        reader.finish()
        return (configuration, problems.all.map(\.message))
    }

    @Test func `endpoint and key are enough`() {
        let (configuration, problems) = read(
            block([
                ("endpoint", block([("rest", scalar("https://api.example.com"))])), ("credentials", block([("key", scalar("env:KEY"))])),
            ]))
        #expect(problems.isEmpty)
        #expect(configuration.key == Secret("k"))
    }

    @Test func `a host that is not known as a sandbox is live, this machine is not`() {
        var (configuration, _) = read(block([("endpoint", block([("rest", scalar("https://api.example.com"))]))]))
        #expect(NewVenuePlugin.isLive(configuration))
        configuration.rest = URL(string: "http://127.0.0.1:9101")
        #expect(!NewVenuePlugin.isLive(configuration))
    }

    @Test func `what is missing is told`() {
        let (_, problems) = read(block([]))
        #expect(problems.contains { $0.contains("endpoint.rest is required") })
        #expect(problems.contains { $0.contains("credentials.key") })
    }
}
