import ArgumentParser
import Foundation

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Tell what became of a signal or an order, step by step, from the audit chain of a running gateway.",
        discussion: "An order's id is its signal's with a number behind it. Times are counted from the receipt of the signal.")

    @Argument(help: "The id of a signal or an order.")
    var id: String

    @OptionGroup var gateway: GatewayAddress

    @Option(name: .long, help: "The environment variable that holds the read token.")
    var tokenEnv = "TURNSTILE_READ_TOKEN"

    func run() async throws {
        let client = try gateway.client(role: "reader", tokenEnv: tokenEnv)
        var (signal, order): (String, String?) = (id, nil)
        if id.contains("-") {
            let body = try await client.send(.GET, GatewayClient.orderPath(id))
            guard let found = try? JSONDecoder().decode(OrderOfSignal.self, from: Data(body.utf8)) else { throw unreadable(client) }
            (signal, order) = (found.signal_id, id)
        }
        let body = try await client.send(.GET, "/api/v1/signals/\(signal.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")")
        guard let story = try? Story(decoding: body) else { throw unreadable(client) }
        print(story.text(only: order))
    }

    private func unreadable(_ client: GatewayClient) -> ExitCode {
        printError("turnstile: the answer of \(client.base) is not the story of a signal; is it a turnstile gateway?")
        return Exit.error
    }

    private struct OrderOfSignal: Decodable { let signal_id: String }
}
