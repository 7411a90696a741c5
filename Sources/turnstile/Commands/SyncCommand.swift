import ArgumentParser

struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Ask the venue about one order, or compare a whole account with it, through a running gateway.",
        discussion: """
            An order is named by our id, its client order id or the venue's id; an account by its name in the configuration. What the venue \
            says is applied like every other evidence. Nothing is sent, changed or cancelled at the venue.
            """)

    @Argument(help: "An order or an account.")
    var name: String

    @Flag(name: .long, help: "Compare open orders and positions only, without histories and balances.")
    var light = false

    @OptionGroup var gateway: GatewayAddress

    @Option(name: .long, help: "The environment variable that holds the trade token.")
    var tokenEnv = "TURNSTILE_TRADE_TOKEN"

    @Flag(name: .long, help: "Print the gateway's answer as it is.")
    var json = false

    func run() async throws {
        let client = try gateway.client(role: "trader", tokenEnv: tokenEnv)
        let accounts = try client.read(RowPage<Account>.self, from: try await client.send(.GET, "/api/v1/accounts")).data.map(\.id)
        guard accounts.contains(name) else {
            let body = try await client.send(.POST, "\(GatewayClient.orderPath(name))/sync")
            guard !json else { return print(body) }
            let order = try client.read(Order.self, from: body)
            let venue = order.venueStatus.map { "the venue says \($0)" } ?? "the venue does not have it"
            return print("\(order.orderId): \(order.oldStatus) → \(order.newStatus), filled \(order.filledQuantity); \(venue) (\(order.syncedAt))")
        }
        let body = try await client.send(.POST, "/api/v1/accounts/\(GatewayClient.escaped(name))/sync?depth=\(light ? "light" : "deep")")
        guard !json else { return print(body) }
        let report = try client.read(Report.self, from: body)
        for order in report.changed { print("\(order.orderId): \(order.oldStatus) → \(order.newStatus), filled \(order.filledQuantity)") }
        for order in report.externalOrders { print("not ours: \(order.side) \(order.quantity ?? order.filledQuantity) \(order.symbol), the venue's order \(order.venueOrderId) (\(order.kind))") }
        for finding in report.findings {
            print("\(finding.state): \(finding.subject) \(finding.ledger) in the ledger, \(finding.venue) at the venue\(finding.action.map { " (\($0))" } ?? "")")
        }
        print(
            "\(name): \(report.run.openOrders) open orders at the venue, \(report.changed.count) changed here"
                + (report.run.complete ? "" : "; not complete: \(report.run.problem ?? "")"))
        if !report.run.complete { throw Exit.error }
    }

    private struct Account: Decodable { let id: String }

    private struct Order: Decodable {
        let orderId, oldStatus, newStatus, filledQuantity, syncedAt: String
        let venueStatus: String?
    }

    private struct Report: Decodable {
        struct Run: Decodable {
            let complete: Bool
            let problem: String?
            let openOrders: Int
        }
        struct Changed: Decodable { let orderId, oldStatus, newStatus, filledQuantity: String }
        struct External: Decodable {
            let kind, side, symbol, venueOrderId, filledQuantity: String
            let quantity: String?
        }
        struct Finding: Decodable {
            let subject, ledger, venue, state: String
            let action: String?
        }
        let run: Run
        let changed: [Changed]
        let externalOrders: [External]
        let findings: [Finding]
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Release an account of a running gateway that was halted.",
        discussion: "Look at what halted it first: `turnstile sync <account>` compares it with its venue.")

    @Argument(help: "The account, as the configuration names it.")
    var account: String

    @OptionGroup var options: AdminOptions

    func run() async throws {
        let client = try options.client()
        let body = try await client.send(.POST, "/api/v1/accounts/\(GatewayClient.escaped(account))/resume", options.texts)
        print(options.json ? body : "\(account) is released; it was halted since \(try client.read(Halt.self, from: body).since)")
    }

    private struct Halt: Decodable { let since: String }
}
