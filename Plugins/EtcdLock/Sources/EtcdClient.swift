import AdapterKit
import Foundation
import Synchronization
import TradingModel

/// Why a call gave no answer.
enum EtcdFailure: Error, Sendable, CustomStringConvertible {
    /// Nothing was done.
    case notDone(String)
    /// It may have been done.
    case lost(String)
    /// The server refused it; nothing was done.
    case refused(code: Int64, String)

    var description: String {
        switch self {
        case .notDone(let why), .lost(let why): why
        case .refused(let code, let why): "\(why) (code \(code))"
        }
    }

    /// gRPC code 5.
    var isNotFound: Bool { if case .refused(5, _) = self { true } else { false } }
    /// A lease with this number is there already: gRPC code 9.
    var isAlreadyThere: Bool { if case .refused(9, let why) = self { why.contains("already exists") } else { false } }
}

/// Calls of etcd's version 3 JSON gateway. Each is sent at most once.
///
/// Source: etcd 3.4 documentation, "Why gRPC gateway", and `rpc.proto`. 64-bit numbers are texts, keys and values base64.
final class EtcdClient: Sendable {
    private let http: VenueHTTPClient
    private let configuration: EtcdLockPlugin.Configuration
    private struct State {
        /// Which of the endpoints is asked.
        var endpoint = 0
        var token: String?
    }
    private let state = Mutex(State())

    init(_ configuration: EtcdLockPlugin.Configuration, clock: any TradingClock) {
        self.configuration = configuration
        http = VenueHTTPClient(
            clock: clock, connectTimeout: configuration.connectTimeout, maximumConnections: 8, trustRootsFile: configuration.trustRootsFile)
    }

    /// One call; a token that has ended is replaced and the call repeated, which the server had then refused whole.
    func call(_ path: String, _ body: WireJSON, within timeout: Duration) async throws(EtcdFailure) -> WireJSON {
        do throws(EtcdFailure) {
            return try await once(path, body, token: try await token(within: timeout), within: timeout)
        } catch {
            guard case .refused(16, _) = error, configuration.username != nil else { throw error }
            state.withLock { $0.token = nil }
            return try await once(path, body, token: try await token(within: timeout), within: timeout)
        }
    }

    private func token(within timeout: Duration) async throws(EtcdFailure) -> String? {
        guard let username = configuration.username, let password = configuration.password else { return nil }
        if let token = state.withLock({ $0.token }) { return token }
        let login: WireJSON = ["name": .string(username), "password": .string(password.reveal())]
        let reply: WireJSON
        do throws(EtcdFailure) { reply = try await once("/v3/auth/authenticate", login, token: nil, within: timeout) } catch {
            throw .notDone("login: \(error)")
        }
        guard let token = reply["token"]?.string else { throw .notDone("login: no token") }
        state.withLock { $0.token = token }
        return token
    }

    private func once(_ path: String, _ body: WireJSON, token: String?, within timeout: Duration) async throws(EtcdFailure) -> WireJSON {
        let number = state.withLock { $0.endpoint }
        let endpoint = configuration.endpoints[number % configuration.endpoints.count]
        var headers = [(name: "Content-Type", value: "application/json")]
        if let token { headers.append((name: "Authorization", value: token)) }
        let request = VenueRequest(.post, endpoint + path, headers: headers, body: body.text, timeout: timeout, isCommand: false)
        switch await http.send(request) {
        case .replied(let reply):
            let value = try? WireJSON(parsing: reply.body)
            if reply.status == 200, let value {
                // A stream's error comes within a reply of its own.
                guard let error = value["error"] else { return value["result"] ?? value }
                throw failure(error["grpc_code"]?.integer ?? error["code"]?.integer ?? 2, error["message"]?.string ?? error.text)
            }
            let code = value?["code"]?.integer
            if code == nil || code == 14 { next(after: number) }
            throw failure(code ?? 2, value?["message"]?.string ?? value?["error"]?.string ?? "HTTP status \(reply.status)")
        case .notSent(let reason, let evidence):
            next(after: number)
            throw .notDone(reason == .cancelled ? "cancelled" : "\(endpoint): \(evidence.message ?? "\(reason)")")
        case .unknown(let cause, let evidence):
            next(after: number)
            throw .lost("\(endpoint): \(cause), \(evidence.message ?? "")")
        }
    }

    /// Codes by which a server refuses a request before it does anything: invalid argument, not found, already exists, permission
    /// denied, exhausted, failed precondition, unimplemented, unauthenticated. After any other it may have been done.
    private static let refusals: Set<Int64> = [3, 5, 6, 7, 8, 9, 12, 16]

    private func failure(_ code: Int64, _ message: String) -> EtcdFailure {
        Self.refusals.contains(code) ? .refused(code: code, message) : .lost("\(message) (code \(code))")
    }

    /// Another endpoint is asked from now on, if there is one.
    private func next(after number: Int) {
        state.withLock { if $0.endpoint == number { $0.endpoint = (number + 1) % configuration.endpoints.count } }
    }
}

extension WireJSON: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, WireJSON)...) { self = .object(elements.map { Member($0.0, $0.1) }) }
}

extension WireJSON {
    /// A 64-bit number, written as text by the gateway; what is absent is zero.
    func number(_ name: String) -> Int64 { self[name]?.decimalText.flatMap { Int64($0) } ?? 0 }
}

extension String {
    var base64: WireJSON { .string(Data(utf8).base64EncodedString()) }
    /// Where the keys that begin with this one end.
    var prefixEnd: WireJSON {
        var bytes = Array(utf8)
        while let last = bytes.popLast() {
            guard last < 0xFF else { continue }
            bytes.append(last + 1)
            break
        }
        return .string(Data(bytes.isEmpty ? [0] : bytes).base64EncodedString())
    }
}
