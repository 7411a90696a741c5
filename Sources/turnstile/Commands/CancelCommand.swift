import ArgumentParser
import Foundation

struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Ask a running gateway to cancel an order.",
        discussion: """
            An order that was not sent yet is taken back; for any other the venue is asked. It is safe to repeat. A leg of a bracket is \
            cancelled by its own id; at some venues the other leg goes with it.
            """)

    @Argument(help: "The order's id, as `turnstile orders` shows it.")
    var id: String

    @OptionGroup var gateway: GatewayAddress

    @Option(name: .long, help: "The environment variable that holds the trade token.")
    var tokenEnv = "TURNSTILE_TRADE_TOKEN"

    func run() async throws {
        let body = try await gateway.client(role: "trader", tokenEnv: tokenEnv).send(.DELETE, GatewayClient.orderPath(id))
        guard let order = try? JSONDecoder().decode(Order.self, from: Data(body.utf8)) else {
            printError("turnstile: the answer is not an order; is it a turnstile gateway?")
            throw Exit.error
        }
        print(order.terminal ? "\(id) is \(order.status)" : "\(id) is \(order.status): the venue was asked; `turnstile orders \(id)` shows how it ends")
    }

    private struct Order: Decodable {
        let status: String
        let terminal: Bool
    }
}
