import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Where a running gateway is, for the commands that talk to one.
struct GatewayAddress: ParsableArguments {
    @Option(name: .long, help: "The gateway's address.")
    var url = "http://127.0.0.1:8080"

    @Option(name: .long, help: "The gateway's configuration file; takes the place of --url and --token-env.")
    var config: String?

    /// - Parameter role: Whose token is taken from the configuration file.
    func client(role: String, tokenEnv: String) throws -> GatewayClient {
        guard let config else {
            guard let token = ProcessInfo.processInfo.environment[tokenEnv], !token.isEmpty else {
                printError("turnstile: set \(tokenEnv) to the gateway's token (http.tokens.\(role)), or name its file with --config")
                throw Exit.error
            }
            return GatewayClient(base: url.hasSuffix("/") ? String(url.dropLast()) : url, token: token)
        }
        let http = try loadConfiguration(config).http
        guard let token = http.tokens[role] else {
            printError("turnstile: \(config) has no http.tokens.\(role)")
            throw Exit.configuration
        }
        let host = ["0.0.0.0", "::"].contains(http.host) ? "127.0.0.1" : urlHost(http.host)
        return GatewayClient(base: "\(http.tls == nil ? "http" : "https")://\(host):\(http.port)", token: token.reveal())
    }
}

/// Requests to a running gateway. What goes wrong is printed, and ends the command with the code that fits.
struct GatewayClient {
    let base: String
    let token: String

    static func orderPath(_ id: String) -> String {
        "/api/v1/orders/\(escaped(id))"
    }

    /// One part of a path, whatever is in it.
    static func escaped(_ part: String) -> String { part.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "" }

    /// The body of a successful answer.
    ///
    /// - Parameter object: Sent as JSON.
    func send(_ method: HTTPMethod, _ path: String, _ object: (any Encodable)? = nil, headers: HTTPHeaders = [:]) async throws -> String {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        request.headers = headers
        if let object {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(object)))
        }
        request.headers.add(name: "authorization", value: "Bearer \(token)")
        let (status, body) = try await answer(to: request)
        guard (200..<300).contains(status) else {
            let problem = try? JSONDecoder().decode(Problem.self, from: Data(body.utf8))
            printError("turnstile: \(status) \(problem?.detail ?? problem?.title ?? "")")
            throw status == 404 ? Exit.notFound : Exit.error
        }
        return body
    }

    /// A successful answer, read.
    func read<Answer: Decodable>(_ type: Answer.Type, from body: String) throws -> Answer {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do { return try decoder.decode(type, from: Data(body.utf8)) } catch {
            printError("turnstile: the answer of \(base) is not understood; is it a turnstile gateway of this version?")
            throw Exit.error
        }
    }

    private func answer(to request: HTTPClientRequest) async throws -> (status: Int, body: String) {
        // A gateway that is not there is told at once, not tried until the time is over.
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        do {
            return try await HTTPClient.withHTTPClient(configuration: configuration) { client in
                let response = try await client.execute(request, timeout: .seconds(20))
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

    private struct Problem: Decodable {
        let title, detail: String?
    }
}
