import ArgumentParser
import BrokerContract
import Foundation
import GatewayConfiguration

struct AdapterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapter", abstract: "The kinds of broker that this program knows.", subcommands: [List.self, AdapterVerifyCommand.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List them with what they can do.")

        @Flag(name: .long, help: "Print JSON.")
        var json = false

        func run() throws {
            let rows = allBrokers().entries.map(Row.init)
            guard !json else {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                print(String(decoding: try encoder.encode(rows), as: UTF8.self))
                return
            }
            var table = TextTable(["adapter", "name", "default mode", "order types", "stream", "positions", "resend is"])
            for row in rows {
                table.add([
                    row.id, row.name, row.defaultMode.rawValue, row.capabilities.orderTypes.map(\.rawValue).sorted().joined(separator: " "),
                    row.capabilities.hasStream ? "yes" : "no", row.capabilities.hasPositions ? "yes" : "no", Self.words(row.semantics.deduplication),
                ])
            }
            print(table.text)
        }

        private static func words(_ deduplication: VenueSemantics.Deduplication) -> String {
            switch deduplication {
            case .none: "executed twice"
            case .amongOpen: "recognised while open"
            case .window(let duration): "recognised for \(duration)"
            case .forever: "recognised"
            }
        }
    }

    private struct Row: Encodable {
        let id: String
        let name: String
        let defaultMode: AccountMode
        let capabilities: BrokerCapabilities
        let semantics: VenueSemantics

        init(_ entry: BrokerRegistry.Entry) {
            id = entry.id
            name = entry.displayName
            defaultMode = entry.defaultMode
            capabilities = entry.capabilities
            semantics = entry.semantics
        }

        enum CodingKeys: String, CodingKey {
            case id, name
            case defaultMode = "default_mode"
            case capabilities, semantics
        }
    }
}
