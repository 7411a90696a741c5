import ArgumentParser

struct QueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "The orders that wait in the store of a running gateway, and those set aside for a person.",
        subcommands: [Status.self, DeadLetters.self, Replay.self, Discard.self], defaultSubcommand: Status.self)

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "status", abstract: "How much waits, account by account.")

        @OptionGroup var options: ReaderOptions

        func run() async throws {
            try await options.show("/api/v1/monitoring/queue", as: RowPage<Row>.self) { page in
                var table = TextTable(["account", "depth", "dead letters", "oldest"])
                for row in page.data { table.add([row.account, "\(row.depth)", "\(row.deadLetters)", shown(seconds: row.age)]) }
                return table.text
            }
        }

        private struct Row: Decodable {
            let account: String
            let depth, deadLetters: Int
            let age: Double
        }
    }

    struct DeadLetters: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dead-letters", abstract: "Orders at which gateways crashed again and again; they wait for a decision.")

        @OptionGroup var options: ReaderOptions

        func run() async throws {
            try await options.show("/api/v1/monitoring/dead-letters", as: RowPage<Row>.self) { page in
                var table = TextTable(["since", "account", "symbol", "side", "quantity", "status", "crashes", "last holder", "order"])
                for row in page.data {
                    let order = row.order
                    table.add([
                        row.since, order.account, order.symbol, order.side, order.quantity ?? "-", order.status, "\(row.crashes.count)",
                        row.crashes.last?.gateway ?? "-", order.id,
                    ])
                }
                return table.text
            }
        }

        private struct Row: Decodable {
            struct Order: Decodable {
                let id, account, symbol, side, status: String
                let quantity: String?
            }
            struct Crash: Decodable { let gateway: String }
            let order: Order
            let since: String
            let crashes: [Crash]
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "replay", abstract: "Let a dead letter wait for its turn again, with the same ids; its crashes are forgotten.")

        @Argument(help: "The order's id, as `turnstile queue dead-letters` shows it.")
        var id: String

        @OptionGroup var options: AdminOptions

        func run() async throws { try await QueueCommand.decide(id, "replay", options) }
    }

    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "discard", abstract: "End a dead letter: it is never sent.")

        @Argument(help: "The order's id, as `turnstile queue dead-letters` shows it.")
        var id: String

        @OptionGroup var options: AdminOptions

        func run() async throws { try await QueueCommand.decide(id, "discard", options) }
    }

    fileprivate static func decide(_ id: String, _ decision: String, _ options: AdminOptions) async throws {
        let client = try options.client()
        let body = try await client.send(.POST, "/api/v1/monitoring/dead-letters/\(GatewayClient.escaped(id))/\(decision)", options.texts)
        print(options.json ? body : "\(id) is \(try client.read(Order.self, from: body).status)")
    }

    private struct Order: Decodable { let status: String }
}

struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "workers", abstract: "The gateways that work on the store of a running gateway.")

    @OptionGroup var options: ReaderOptions

    func run() async throws {
        try await options.show("/api/v1/monitoring/workers", as: RowPage<Row>.self) { page in
            var table = TextTable(["gateway", "host", "process", "state", "heard", "program", "schema", "configuration", "started"])
            for row in page.data {
                table.add([
                    row.gateway, row.host, "\(row.processId)", row.state, shown(seconds: row.silence) + " ago", row.programVersion, "\(row.schemaVersion)",
                    String(row.configurationHash.prefix(12)), row.startedAt,
                ])
            }
            return table.text
        }
    }

    private struct Row: Decodable {
        let gateway, host, state, programVersion, configurationHash, startedAt: String
        let processId, schemaVersion: Int
        let silence: Double
    }
}
