import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore

struct OrdersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orders", abstract: "List orders of a running gateway, newest first, or show one.",
        discussion: "The address and the token come from --config, or from --url and the environment variable that --token-env names.")

    @Argument(help: "An order's id, to show that one only.")
    var id: String?

    @Option(name: .long, help: "The gateway's address.")
    var url = "http://127.0.0.1:8080"

    @Option(name: .long, help: "The environment variable that holds the read token.")
    var tokenEnv = "TURNSTILE_READ_TOKEN"

    @Option(name: .long, help: "The gateway's configuration file; takes the place of --url and --token-env.")
    var config: String?

    @Option(name: .long, help: "At most so many orders.")
    var limit = 50

    @Flag(name: .long, help: "Print the gateway's answer as it is.")
    var json = false

    func run() async throws {
        let (base, token) = try target()
        let path = id.map { "/api/v1/orders/\($0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")" } ?? "/api/v1/orders?limit=\(limit)"
        var request = HTTPClientRequest(url: base + path)
        request.headers.add(name: "authorization", value: "Bearer \(token)")
        let (status, body) = try await answer(to: request, at: base)
        guard status == 200 else {
            let problem = try? JSONDecoder().decode(Problem.self, from: Data(body.utf8))
            printError("turnstile: \(status) \(problem?.detail ?? problem?.title ?? "")")
            throw status == 404 ? Exit.notFound : Exit.error
        }
        guard !json else { return print(body) }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let orders: [OrderRow]
        do {
            orders = id == nil ? try decoder.decode(Page.self, from: Data(body.utf8)).data : [try decoder.decode(OrderRow.self, from: Data(body.utf8))]
        } catch {
            printError("turnstile: the answer of \(base) is not a list of orders; is it a turnstile gateway?")
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

    private func target() throws -> (base: String, token: String) {
        guard let config else {
            guard let token = ProcessInfo.processInfo.environment[tokenEnv], !token.isEmpty else {
                printError("turnstile: set \(tokenEnv) to the gateway's read token, or name its file with --config")
                throw Exit.error
            }
            return (url.hasSuffix("/") ? String(url.dropLast()) : url, token)
        }
        let http = try loadConfiguration(config).http
        guard let token = http.tokens["reader"] else {
            printError("turnstile: \(config) has no http.tokens.reader")
            throw Exit.configuration
        }
        let host = ["0.0.0.0", "::"].contains(http.host) ? "127.0.0.1" : urlHost(http.host)
        return ("\(http.tls == nil ? "http" : "https")://\(host):\(http.port)", token.reveal())
    }

    private func answer(to request: HTTPClientRequest, at base: String) async throws -> (status: Int, body: String) {
        // A gateway that is not there is told at once, not tried until the time is over.
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        do {
            return try await HTTPClient.withHTTPClient(configuration: configuration) { client in
                let response = try await client.execute(request, timeout: .seconds(10))
                let body = try await response.body.collect(upTo: 16 << 20)
                return (Int(response.status.code), String(buffer: body))
            }
        } catch let error as HTTPClientError where [.connectTimeout, .readTimeout, .deadlineExceeded].contains(error) {
            printError("turnstile: no answer from \(base) in time")
            throw Exit.timeout
        } catch let error as HTTPClientError where error == .invalidURL || error == .emptyHost || error == .emptyScheme {
            printError("turnstile: \(base) is not a URL")
            throw Exit.error
        } catch {
            printError("turnstile: no gateway at \(base): \(error)")
            throw Exit.notRunning
        }
    }

    private struct Page: Decodable { let data: [OrderRow] }

    private struct OrderRow: Decodable {
        let id, account, symbol, side, filledQuantity, status, createdAt: String
        let quantity, averagePrice, reason, role: String?
    }

    private struct Problem: Decodable {
        let title, detail: String?
    }
}
