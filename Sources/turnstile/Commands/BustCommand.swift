import ArgumentParser

struct BustCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bust", abstract: "Take back a fill that the venue has taken back.",
        discussion: """
            Venues cancel a trade now and then (a bust) and tell it by mail, not by their API. The fill is kept and marked, the position is
            corrected, and the journal keeps who and why. A repeat does nothing.
            """)

    @Argument(help: "The order's id, as `turnstile orders` shows it.")
    var id: String

    @Argument(help: "The venue's execution id of the fill, as `turnstile orders <id> --json` shows it.")
    var executionID: String

    @OptionGroup var options: AdminOptions

    func run() async throws {
        let client = try options.client()
        var texts = options.texts
        texts["execution_id"] = executionID
        let body = try await client.send(.POST, "\(GatewayClient.orderPath(id))/bust", texts)
        print(options.json ? body : "the position is now \(try client.read(Position.self, from: body).quantity)")
    }

    private struct Position: Decodable { let quantity: String }
}
