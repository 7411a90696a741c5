import ArgumentParser
import Foundation

struct OrdersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orders", abstract: "List orders of a running gateway, newest first, or show one.",
        discussion: "The address and the token come from --config, or from --url and the environment variable that --token-env names.")

    @Argument(help: "An order's id, to show that one only.")
    var id: String?

    @OptionGroup var gateway: GatewayAddress

    @Option(name: .long, help: "The environment variable that holds the read token.")
    var tokenEnv = "TURNSTILE_READ_TOKEN"

    @Option(name: .long, help: "At most so many orders.")
    var limit = 50

    @Flag(name: .long, help: "Print the gateway's answer as it is.")
    var json = false

    func run() async throws {
        let client = try gateway.client(role: "reader", tokenEnv: tokenEnv)
        let body = try await client.send(.GET, id.map(GatewayClient.orderPath) ?? "/api/v1/orders?limit=\(limit)")
        guard !json else { return print(body) }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let orders: [OrderRow]
        do {
            orders = id == nil ? try decoder.decode(Page.self, from: Data(body.utf8)).data : [try decoder.decode(OrderRow.self, from: Data(body.utf8))]
        } catch {
            printError("turnstile: the answer of \(client.base) is not a list of orders; is it a turnstile gateway?")
            throw Exit.error
        }
        var table = TextTable(["created", "account", "symbol", "side", "role", "quantity", "filled", "price", "status", "reason", "id"])
        for order in orders {
            table.add([
                order.createdAt, order.account, order.symbol, order.side, order.role ?? "-", order.quantity ?? "-", order.filledQuantity, order.averagePrice ?? "-",
                order.status, order.reason ?? "", order.id,
            ])
        }
        print(table.text)
    }

    private struct Page: Decodable { let data: [OrderRow] }

    private struct OrderRow: Decodable {
        let id, account, symbol, side, filledQuantity, status, createdAt: String
        let quantity, averagePrice, reason, role: String?
    }
}
