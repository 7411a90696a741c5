import ArgumentParser
import GatewayConfiguration
import StoreContract
import TradingModel

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "audit", abstract: "Look at the audit chain.", subcommands: [Verify.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Check the audit chain of the store from its first line; exit code 1 if a line does not fit.",
            discussion: """
                Every line is hashed over the one before it, so a changed, missing or inserted line shows, and is named. The gateway may be running. \
                The store is opened as a gateway opens it: one of an older version is upgraded, a SQLite file after a copy was made. \
                Lines cut off at the end cannot be missed by the chain alone: keep the last hash that this command prints, and compare.
                """)

        @Option(name: .long, help: "The configuration file that names the store.")
        var config: String

        func run() async throws {
            let file = try loadConfiguration(config)
            let logger = makeLogger(level: .warning, clock: SystemClock(), output: LogOutput())
            let store: any OrderStore
            do { store = try await file.store.open(StoreContext(clock: SystemClock(), logger: logger)) } catch {
                printError("turnstile: store: \(error)")
                throw Exit.error
            }
            let outcome = await Result.capturing { try await verify(store) }
            await store.close()
            guard try outcome.get() else { throw Exit.error }
        }

        private func verify(_ store: any OrderStore) async throws -> Bool {
            // Lines that are added meanwhile are not looked at.
            let last = try await store.lastJournalSequence()
            guard let broken = try await store.verifyJournal() else {
                guard let line = try await store.journal(after: last - 1, limit: 1).first else {
                    print("the audit chain is empty")
                    return true
                }
                print("the audit chain holds: \(last) lines, the last of \(line.at) with hash \(line.hash)")
                return true
            }
            print("the audit chain is broken at line \(broken); the \(broken - 1) lines before it hold")
            if let line = try await store.journal(after: broken - 1, limit: 1).first {
                print(line.sequence == broken ? "  it reads: \(line.at) \(line.type) signal \(line.signalID?.rawValue ?? "-") order \(line.orderID?.rawValue ?? "-") \(line.data)" : "  it is missing; the next is line \(line.sequence)")
            }
            return false
        }
    }
}
