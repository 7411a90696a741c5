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
            for row in rows where !row.dialects.isEmpty { print(Self.text(row)) }
        }

        /// The dialects that `dialect:` can name.
        private static func text(_ row: Row) -> String {
            var table = TextTable(["dialect of \(row.id)", "name", "REST", "stream", "live", "order types", "lacks", "notes"])
            for dialect in row.dialects {
                table.add([
                    dialect.id, dialect.name, dialect.rest, dialect.webSocket, dialect.isLive ? "yes" : "no",
                    dialect.capabilities.orderTypes.map(\.rawValue).sorted().joined(separator: " "), lacks(dialect.capabilities), dialect.notes,
                ])
            }
            return "\n" + table.text
        }

        private static func lacks(_ capabilities: BrokerCapabilities) -> String {
            [
                ("replace", capabilities.canReplace), ("brackets", capabilities.canBracket), ("exit pairs", capabilities.canPlaceExitPair),
                ("closing positions", capabilities.canClosePosition), ("reduce-only", capabilities.canReduceOnly),
                ("short selling", capabilities.canSellShort), ("positions", capabilities.hasPositions),
            ].filter { !$0.1 }.map(\.0).joined(separator: ", ")
        }
    }

    private struct Row: Encodable {
        let id: String
        let name: String
        let defaultMode: AccountMode
        let capabilities: BrokerCapabilities
        let semantics: VenueSemantics
        let dialects: [BrokerDialect]

        init(_ entry: BrokerRegistry.Entry) {
            id = entry.id
            name = entry.displayName
            defaultMode = entry.defaultMode
            capabilities = entry.capabilities
            semantics = entry.semantics
            dialects = entry.dialects
        }

        enum CodingKeys: String, CodingKey {
            case id, name
            case defaultMode = "default_mode"
            case capabilities, semantics, dialects
        }
    }
}
