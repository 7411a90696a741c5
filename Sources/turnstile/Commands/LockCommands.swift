import ArgumentParser

/// One account's lock as the gateway tells it.
struct LockRow: Decodable {
    struct Holder: Decodable {
        let gateway, host: String
        let processId: Int
        var text: String { "\(gateway) (process \(processId) on \(host))" }
    }
    let account, resource: String
    let holder: Holder?
    let fence: String?
    let age, remaining: Double?
    let waiters: Int?

    var cells: [String] {
        [account, holder?.text ?? "-", fence ?? "-", shown(seconds: age), shown(seconds: remaining), waiters.map(String.init) ?? "-"]
    }

    static let head = ["account", "holder", "fence", "held for", "remaining", "waiters"]

    static func table(_ rows: [LockRow]) -> String {
        var table = TextTable(head)
        for row in rows { table.add(row.cells) }
        return table.text
    }
}

struct LocksStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "List the locks of all accounts of a running gateway.")

    @OptionGroup var options: ReaderOptions

    func run() async throws {
        try await options.show("/api/v1/monitoring/locks/status", as: RowPage<LockRow>.self) { LockRow.table($0.data) }
    }
}

struct LocksShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one account's lock.")

    @Argument(help: "The account.")
    var account: String

    @OptionGroup var options: ReaderOptions

    func run() async throws {
        try await options.show("/api/v1/monitoring/locks/account/\(GatewayClient.escaped(account))", as: LockRow.self) { LockRow.table([$0]) }
    }
}

struct LocksUnlockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlock", abstract: "Take an account from whoever holds its lock.",
        discussion: """
            Its holder is fenced in the order store at once and can change nothing any more. What it may have sent is settled by evidence \
            before anything new is sent. It does not make it safe to send an order again. If the lock changed hands meanwhile, nothing \
            is done.
            """)

    @Argument(help: "The account.")
    var account: String

    @Option(name: .long, help: "The fence that you saw; what the lock has now, unless given.")
    var fence: String?

    @OptionGroup var options: AdminOptions

    func run() async throws {
        let client = try options.client()
        let path = "/api/v1/monitoring/locks/account/\(GatewayClient.escaped(account))"
        var texts = options.texts
        if let fence {
            texts["expected_fence"] = fence
        } else {
            let lock = try client.read(LockRow.self, from: try await client.send(.GET, path))
            guard let holder = lock.holder, let fence = lock.fence else {
                printError("turnstile: nobody holds the lock of \(account)")
                throw Exit.notFound
            }
            printError("held by \(holder.text) under the fence \(fence)")
            texts["expected_fence"] = fence
        }
        let body = try await client.send(.POST, path + "/unlock", texts)
        print(options.json ? body : "\(account) is unlocked; its holder is fenced")
    }
}
