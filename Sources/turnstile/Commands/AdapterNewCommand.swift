import ArgumentParser
import Foundation

/// `turnstile adapter new`: the beginning of an adapter, which compiles and says what is missing.
struct AdapterNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Begin an adapter: a folder that compiles, registered, with the contract as its to-do list.",
        discussion: """
            Works in a checkout of this repository: copies Plugins/NewVenue to Plugins/<Name> and adds one line to Package.swift and three
            to Sources/turnstile/Composition.swift. Refuses, changing nothing, if the name is taken or the marked places are not there.
            """)

    @Argument(help: "The adapter's name in code, like MyBroker.")
    var name: String

    @Option(help: "The word after broker: in the configuration; the name in lower case, unless given.")
    var id: String?

    @Option(help: "The root of the checkout.")
    var checkout = "."

    @Flag(help: "Say what would be written, and write nothing.")
    var dryRun = false

    func run() throws {
        let root = URL(filePath: checkout, directoryHint: .isDirectory).standardizedFileURL
        do {
            let scaffold = try AdapterScaffold(root: root, name: name, id: id, knownIDs: allBrokers().entries.map(\.id))
            let changes = try scaffold.changes()
            if !dryRun { try scaffold.write(changes) }
            print(dryRun ? "would write:" : "written:")
            for change in changes {
                print("  \(change.path)\(change.added.isEmpty ? "" : ", in addition:")")
                for line in change.added { print("      + \(line.trimmingCharacters(in: .whitespaces))") }
            }
            print(
                """

                next:
                  swift build --product turnstile
                  .build/debug/turnstile adapter verify \(scaffold.id) --level 1    # what is missing, level by level: docs/adapters.md
                  swift test --filter \(name)Tests
                """)
        } catch let refusal as AdapterScaffold.Refusal {
            printError("turnstile: \(refusal)")
            throw Exit.error
        }
    }
}
