import ArgumentParser
import Foundation

/// What the commands that only look have in common.
struct ReaderOptions: ParsableArguments {
    @OptionGroup var gateway: GatewayAddress

    @Option(name: .long, help: "The environment variable that holds the read token.")
    var tokenEnv = "TURNSTILE_READ_TOKEN"

    @Flag(name: .long, help: "Print the gateway's answer as it is.")
    var json = false

    /// Reads `path`; prints the answer as it is with `--json`, else what `text` makes of it.
    func show<Answer: Decodable>(_ path: String, as type: Answer.Type, _ text: (Answer) -> String) async throws {
        let client = try gateway.client(role: "reader", tokenEnv: tokenEnv)
        let body = try await client.send(.GET, path)
        print(json ? body : text(try client.read(type, from: body)))
    }
}

/// What the commands that decide something have in common: the admin token, and who and why for the journal.
struct AdminOptions: ParsableArguments {
    @OptionGroup var gateway: GatewayAddress

    @Option(name: .long, help: "The environment variable that holds the admin token.")
    var tokenEnv = "TURNSTILE_ADMIN_TOKEN"

    @Option(name: .long, help: "Why, for the journal.")
    var reason: String

    @Option(name: .long, help: "Who, for the journal; your user name unless given.")
    var actor: String?

    @Flag(name: .long, help: "Print the gateway's answer as it is.")
    var json = false

    func client() throws -> GatewayClient { try gateway.client(role: "admin", tokenEnv: tokenEnv) }

    /// The fields that every decision has.
    var texts: [String: String] {
        ["reason": reason, "actor": actor ?? "\(NSUserName())@\(ProcessInfo.processInfo.hostName)"]
    }
}

/// A page of rows.
struct RowPage<Row: Decodable>: Decodable { let data: [Row] }

/// Seconds for people.
func shown(seconds: Double?) -> String { seconds.map { $0 < 120 ? String(format: "%.1f s", $0) : "\(Int($0 / 60)) min" } ?? "-" }
