import ArgumentParser
import BrokerContract
import Foundation
import GatewayConfiguration

struct AdapterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapter", abstract: "The kinds of broker that this program knows.", 
        subcommands: [List.self, AdapterNewCommand.self, AdapterVerifyCommand.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List them with what they can do.")

        @Flag(name: .long, help: "Print JSON.")
        var json = false

        @Flag(name: .long, help: "Print the tables of the documentation: what each adapter can do, and what its venue guarantees.")
        var markdown = false

        @Option(name: .long, help: "A page whose tables are replaced by those of --markdown, between its marks.")
        var update: String?

        func run() throws {
            let tables = AdapterTables(entries: allBrokers().entries)
            if let update {
                let page = try String(contentsOfFile: update, encoding: .utf8)
                guard let updated = tables.updated(page) else {
                    printError("turnstile: \(update) has no place for the tables: \(AdapterTables.begin) … \(AdapterTables.end)")
                    throw Exit.error
                }
                try Data(updated.utf8).write(to: URL(filePath: update), options: .atomic)
                return
            }
            guard !markdown else { return print(tables.markdown) }
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
                    row.capabilities.hasStream ? "yes" : "no", row.capabilities.hasPositions ? "yes" : "no", AdapterTables.words(row.semantics.deduplication),
                ])
            }
            print(table.text)
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
