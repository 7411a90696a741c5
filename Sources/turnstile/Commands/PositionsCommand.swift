import ArgumentParser
import Foundation

struct PositionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "positions", abstract: "List what a running gateway's accounts hold, and how each position stands.",
        discussion: """
            The quantities are the ledger's, from fills. A position is active with its stop in place, pending_stop without it, closing while
            an order leaves it. The address and the token come from --config, or from --url and the environment variable that --token-env names.
            """)

    @OptionGroup var gateway: GatewayAddress

    @Option(name: .long, help: "The environment variable that holds the read token.")
    var tokenEnv = "TURNSTILE_READ_TOKEN"

    @Option(name: .long, help: "Of this account only.")
    var account: String?

    @Flag(name: .long, help: "Print the gateway's answer as it is.")
    var json = false

    func run() async throws {
        let client = try gateway.client(role: "reader", tokenEnv: tokenEnv)
        let body = try await client.send(.GET, "/api/v1/positions" + (account.map { "?account=\(GatewayClient.escaped($0))" } ?? ""))
        guard !json else { return print(body) }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let rows: [Row]
        do { rows = try decoder.decode(Page.self, from: Data(body.utf8)).data } catch {
            printError("turnstile: the answer of \(client.base) is not a list of positions; is it a turnstile gateway?")
            throw Exit.error
        }
        var table = TextTable(["account", "symbol", "quantity", "price", "profit", "state", "stop", "unprotected since", "strategy"])
        for row in rows {
            table.add([
                row.account, row.symbol, row.quantity, row.averagePrice ?? "-", row.realizedProfit, row.episode?.state ?? "-", row.episode?.stopLoss ?? "-",
                row.episode?.unprotectedSince ?? "-", row.episode?.strategy ?? "-",
            ])
        }
        print(table.text)
    }

    private struct Page: Decodable { let data: [Row] }

    private struct Row: Decodable {
        let account, symbol, quantity, realizedProfit: String
        let averagePrice: String?
        let episode: Episode?
    }

    private struct Episode: Decodable {
        let state, strategy: String
        let stopLoss, unprotectedSince: String?
    }
}
