import ArgumentParser

@main
struct TurnstileCommand: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "turnstile",
        abstract: "One webhook in, any broker out, never twice.",
        discussion: """
            Exit codes:
              0   done
              1   error
              2   not found
              3   the gateway is not running
              4   the configuration has problems
              5   no answer in time
              64  the command line is not understood
            """,
        version: version,
        subcommands: [
            ServeCommand.self, DemoCommand.self, SimulateCommand.self, ConfigCommand.self, AdapterCommand.self, LocksCommand.self,
            OrdersCommand.self, PositionsCommand.self, PlaceCommand.self, CancelCommand.self, DecideCommand.self, ExplainCommand.self, AuditCommand.self, QueueCommand.self,
            WorkersCommand.self, BustCommand.self, SyncCommand.self, ResumeCommand.self, VersionCommand.self,
        ])
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")
    func run() { print("turnstile \(TurnstileCommand.version)") }
}
