import ArgumentParser
import ConformanceKit
import Foundation
import TradingModel

/// `turnstile adapter verify`: the conformance suite from the command line.
struct AdapterVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check an adapter against the numbered clauses of its contract, with faults on real sockets.",
        discussion: """
            Runs offline against the adapter's own simulator, a fresh one for each clause. With --against it runs against a simulator that runs
            already (which is reset for each clause), or, with --config and --account, against a venue: there only queries are sent unless
            --trade is given, and --trade is refused for a live account. What cannot be checked there is listed as left out, never as passed.
            Exits 0 only if every clause that applies passes.
            """)

    enum Report: String, ExpressibleByArgument, CaseIterable {
        case text, json, junit, html
    }

    @Argument(help: "The adapter, as after broker: in the configuration.")
    var name: String

    @Option(help: "How to print the result.")
    var report = Report.text

    @Option(help: "Only clauses whose id begins with this, for example BC-06.")
    var only: String?

    @Option(help: "Only clauses up to this level: 0 compiles, 1 connects, 2 reads, 3 trades, 4 survives, 5 certified.")
    var level: Int?

    @Option(help: "The base URL of a running simulator or of a venue.")
    var against: String?

    @Option(help: "The configuration with the account to use at a venue.")
    var config: String?

    @Option(help: "The account of the configuration.")
    var account: String?

    @Flag(help: "Send orders at the venue. Never for a live account.")
    var trade = false

    @Option(help: "What to trade or to ask for at a venue.")
    var symbol: String?

    @Option(help: "About the market's price of the symbol, for --trade.")
    var price: String?

    @Option(help: "The quantity of an ordinary order, for --trade.")
    var quantity: String?

    func validate() throws {
        if let level { guard ConformanceLevel(rawValue: level) != nil else { throw ValidationError("--level must be from 0 to 5") } }
        guard (config == nil) == (account == nil) else { throw ValidationError("give both --config and --account, or neither") }
        guard against != nil || config == nil else { throw ValidationError("--config needs --against: the venue is named twice, so that no typing mistake trades elsewhere") }
        guard !trade || config != nil else { throw ValidationError("--trade needs --against, --config and --account") }
        guard !trade || (symbol != nil && price != nil && quantity != nil) else { throw ValidationError("--trade needs --symbol, --price and --quantity") }
    }

    func run() async throws {
        let subjects = allConformanceSubjects()
        guard let subject = subjects.first(where: { $0.id == name }) else {
            throw ValidationError("unknown adapter '\(name)'; known: \(subjects.map(\.id).sorted().joined(separator: ", "))")
        }
        let top = level.flatMap(ConformanceLevel.init(rawValue:)) ?? .certified
        let clauses = subject.clauses.filter { clause in clause.level <= top && (only.map { clause.id.hasPrefix($0) } ?? true) }
        guard !clauses.isEmpty else { throw ValidationError("no clause begins with '\(only ?? "")' up to level \(top)") }
        let result: ConformanceReport
        do { result = try await check(clauses, of: subject) } catch let refusal as VerifyTarget.Refusal {
            printError("turnstile: \(refusal)")
            throw Exit.error
        }
        switch report {
        case .text: print(result.text)
        case .json: print(try result.json())
        case .junit: print(result.junit)
        case .html: print(result.html)
        }
        guard result.isKept else { throw ExitCode.failure }
    }

    private func check(_ clauses: [BrokerClause], of subject: ConformanceSubject) async throws -> ConformanceReport {
        guard let against else { return await ConformanceReport.run(clauses, against: try subject.makeVenue()) }
        let target = try VerifyTarget(against)
        guard let config, let account else {
            let remote = try await target.simulator(of: subject)
            return await ConformanceReport.run(
                clauses, against: remote, inTurn: true, venue: "the simulator at \(target.url), reset for each clause", leaveOut: remote.leavesOut)
        }
        let terms = try trade ? terms() : nil
        let remote = try target.account(account, config: config, of: subject, symbol: symbol.map { Symbol($0) }, terms: terms)
        let witness = trade ? ", with a second connection of the same adapter as the only witness" : ", queries only"
        return await ConformanceReport.run(clauses, against: remote, inTurn: true, venue: "\(target.url)\(witness)", leaveOut: remote.leavesOut)
    }

    private func terms() throws -> TradingTerms {
        do {
            return TradingTerms(symbol: Symbol(symbol ?? ""), price: try Price(price ?? ""), quantity: try Quantity(quantity ?? ""))
        } catch { throw ValidationError("--price and --quantity: \(error)") }
    }
}
