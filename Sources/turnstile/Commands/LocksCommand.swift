import ArgumentParser
import ConformanceKit

struct LocksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "locks", abstract: "The accounts' locks of a running gateway, and the kinds of lock backend that this program knows.",
        subcommands: [LocksStatusCommand.self, LocksShowCommand.self, LocksUnlockCommand.self, List.self, LocksVerifyCommand.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the kinds of lock backend.")
        func run() { for id in allLocks().ids.sorted() { print(id) } }
    }
}

/// `turnstile locks verify`: the lock conformance suite from the command line.
struct LocksVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a lock backend against the numbered clauses of its contract.",
        discussion: """
            Without --url it starts servers of its own (redis-server, etcd, postgres) on free ports and ends them: that way it can also cut the wire, \
            kill the server and take its data away. With --url it uses the server there, and leaves that out; the locks that it makes \
            begin with account_lock:LC-. Exits 0 only if every clause that applies passes.
            """)

    enum Trials: String, ExpressibleByArgument, CaseIterable {
        case quick, long
        var trials: LockTrials { self == .quick ? .quick : .long }
    }

    enum Report: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Argument(help: "The backend, as after type: in the configuration.")
    var type: String

    @Option(help: "A server that is there already, as in the configuration.")
    var url: String?

    @Option(help: "How much of each check: quick takes under a minute, long takes hours.")
    var trials = Trials.quick

    @Option(help: "How to print the result.")
    var report = Report.text

    @Option(help: "Only clauses whose id begins with this, for example LC-02.")
    var only: String?

    func run() async throws {
        let subjects = allLockSubjects()
        guard let subject = subjects.first(where: { $0.id == type }) else {
            throw ValidationError("unknown lock backend '\(type)'; known: \(subjects.map(\.id).sorted().joined(separator: ", "))")
        }
        let clauses = LockConformance.clauses.filter { clause in only.map { clause.id.hasPrefix($0) } ?? true }
        guard !clauses.isEmpty else { throw ValidationError("no clause begins with '\(only ?? "")'") }
        let result = await LockReport.run(clauses, against: try subject.makeHarness(url), trials: trials.trials)
        switch report {
        case .text: print(result.text)
        case .json: print(try result.json())
        }
        guard result.isKept else { throw ExitCode.failure }
    }
}
