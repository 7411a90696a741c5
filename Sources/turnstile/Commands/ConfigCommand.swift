import ArgumentParser
import GatewayConfiguration

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Look at a configuration file.", subcommands: [Check.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Check a file without opening anything; all problems are printed, exit code 4.")

        @Argument(help: "The configuration file.")
        var file: String

        func run() throws {
            let configuration = try loadConfiguration(file)
            let gateway = configuration.gateway
            print("\(file): ok")
            print("  store \(configuration.store.type), locks \(configuration.locks.type), configuration \(gateway.configurationHash.prefix(12))")
            for account in gateway.accounts { print("  account \(account.id): \(account.broker), \(account.mode.rawValue)") }
            for strategy in gateway.strategies {
                print("  strategy \(strategy.id): \(strategy.source) -> \(strategy.accounts.map(\.id.rawValue).joined(separator: ", "))")
            }
        }
    }
}
