import ArgumentParser
import Foundation

struct PlaceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "place", abstract: "Place an order by hand at a running gateway.",
        discussion: """
            The order goes the way of every signal: it is stored before it is answered, and sent under the same guards and permit.
              --account    to this account, with its own symbol and the quantity as said
              --strategy   to the strategy's accounts, with its symbols, sizing and rules; with --account to that one of them only
            The key makes a repeat safe: the same command with the same key trades once. Without --key one is made and printed first.
            """)

    enum Side: String, ExpressibleByArgument, CaseIterable { case buy, sell }

    @Argument(help: "buy or sell.")
    var side: Side

    @Argument(help: "The symbol.")
    var symbol: String

    @Argument(help: "How much, in base units or contracts.")
    var quantity: String?

    @Option(name: .long, help: "The account.")
    var account: String?

    @Option(name: .long, help: "The strategy.")
    var strategy: String?

    @Option(name: .long, help: "market, limit, stop or stop_limit.")
    var type: String?

    @Option(name: .long, help: "The limit price.")
    var limitPrice: String?

    @Option(name: .long, help: "The stop price.")
    var stopPrice: String?

    @Option(name: .long, help: "Where the stop loss of an entry stands.")
    var stopLoss: String?

    @Option(name: .long, help: "Where the take profit of an entry stands.")
    var takeProfit: String?

    @Option(name: .long, help: "day, gtc, ioc or fok.")
    var timeInForce: String?

    @Option(name: .long, help: "The idempotency key.")
    var key: String?

    @OptionGroup var gateway: GatewayAddress

    @Option(name: .long, help: "The environment variable that holds the trade token.")
    var tokenEnv = "TURNSTILE_TRADE_TOKEN"

    @Flag(name: .long, help: "Print the gateway's answer as it is.")
    var json = false

    func validate() throws {
        if account == nil, strategy == nil { throw ValidationError("say where it goes: --account, --strategy, or both") }
    }

    func run() async throws {
        let key = key ?? UUID().uuidString.lowercased()
        let client = try gateway.client(role: "trader", tokenEnv: tokenEnv)
        // Before anything is sent: whoever gets no answer needs it for the repeat.
        printError("key \(key)")
        var body = Body(symbol: symbol, action: side.rawValue)
        (body.quantity, body.account, body.strategy, body.type) = (quantity, account, strategy, type)
        (body.limit_price, body.stop_price, body.stop_loss, body.take_profit) = (limitPrice, stopPrice, stopLoss, takeProfit)
        body.time_in_force = timeInForce
        let answer = try await client.send(.POST, "/api/v1/orders", body, headers: ["idempotency-key": key])
        guard !json else { return print(answer) }
        let placed = try client.read(Placed.self, from: answer)
        for order in placed.orders { print("\(order) is accepted; `turnstile orders \(order)` shows what becomes of it") }
    }

    /// As in `POST /api/v1/orders`; what is nil is left out.
    private struct Body: Encodable {
        var v = 1
        let symbol, action: String
        var quantity, account, strategy, type, limit_price, stop_price, stop_loss, take_profit, time_in_force: String?
        init(symbol: String, action: String) {
            self.symbol = symbol
            self.action = action
        }
    }

    private struct Placed: Decodable { let orders: [String] }
}
