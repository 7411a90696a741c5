import ArgumentParser
import ConformanceKit

/// `turnstile adapter verify`: the conformance suite from the command line.
struct AdapterVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check an adapter against the numbered clauses of its contract, with faults on real sockets.",
        discussion: "Runs offline against the adapter's simulator. Exits 0 only if every clause that applies passes.")

    enum Report: String, ExpressibleByArgument, CaseIterable {
        case text, json, junit
    }

    @Argument(help: "The adapter, as after broker: in the configuration.")
    var name: String

    @Option(help: "How to print the result.")
    var report = Report.text

    @Option(help: "Only clauses whose id begins with this, for example BC-06.")
    var only: String?

    func run() async throws {
        let subjects = allConformanceSubjects()
        guard let subject = subjects.first(where: { $0.id == name }) else {
            throw ValidationError("unknown adapter '\(name)'; known: \(subjects.map(\.id).sorted().joined(separator: ", "))")
        }
        let clauses = subject.clauses.filter { clause in only.map { clause.id.hasPrefix($0) } ?? true }
        guard !clauses.isEmpty else { throw ValidationError("no clause begins with '\(only ?? "")'") }
        let result = await ConformanceReport.run(clauses, against: try subject.makeVenue())
        switch report {
        case .text: print(result.text)
        case .json: print(try result.json())
        case .junit: print(result.junit)
        }
        guard result.isKept else { throw ExitCode.failure }
    }
}
