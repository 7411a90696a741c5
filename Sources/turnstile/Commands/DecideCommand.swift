import ArgumentParser

struct DecideCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decide", abstract: "Decide about a parked order of a running gateway.",
        discussion: """
            An order is parked when evidence cannot say what the venue did. Look at the venue first.
              adopt    what the venue shows is this order; it is followed from then on
              abandon  it is not there, or not ours; it ends
              resend   it is not there; it is sent again under a new permit, if its age and the rules allow
            The venue is asked once more, and a decision that its answer contradicts is refused.
            """)

    enum Decision: String, ExpressibleByArgument, CaseIterable { case adopt, abandon, resend }

    @Argument(help: "The order's id, as `turnstile orders` shows it.")
    var id: String

    @Argument(help: "What is decided.")
    var decision: Decision

    @Option(name: .long, help: "The venue's id of the order, where the record does not have it.")
    var venueOrderID: String?

    @OptionGroup var options: AdminOptions

    func run() async throws {
        let client = try options.client()
        var texts = options.texts
        texts["decision"] = decision.rawValue
        texts["venue_order_id"] = venueOrderID
        let body = try await client.send(.POST, "\(GatewayClient.orderPath(id))/decision", texts)
        print(options.json ? body : "\(id) is \(try client.read(Order.self, from: body).status)")
    }

    private struct Order: Decodable { let status: String }
}
