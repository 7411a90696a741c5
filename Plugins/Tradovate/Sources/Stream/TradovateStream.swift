import AdapterKit
import BrokerContract
import Foundation
import TradingModel

/// One WebSocket connection that follows the accounts of one user.
///
/// There are no sequence numbers and there is no replay: each connection begins with a snapshot of its own.
struct TradovateStream: Sendable {
    /// How a connection ended. Every end means that events may have been missed.
    enum End: Error, CustomStringConvertible {
        case ended(String)
        /// Too many connections: come back later.
        case quota(String)

        var description: String {
            switch self {
            case .ended(let text), .quota(let text): text
            }
        }
    }

    let url: URL
    let api: TradovateAPI
    let clock: any TradingClock
    let connectTimeout: Duration
    let silenceLimit: Duration

    /// Of both sides. Source: connection-overview.
    private static let heartbeatPeriod = Duration.milliseconds(2500)
    private static let readyTimeout = Duration.seconds(30)
    private static let entityTypes = [
        "account", "order", "orderVersion", "command", "commandReport", "executionReport", "fill", "fillFee", "position",
    ]

    /// Connects, authorises, synchronises, and hands over what changes until the connection ends.
    ///
    /// - Parameters:
    ///   - onSnapshot: The state at the start of the connection.
    ///   - onChanges: The changes of one frame, in the order told.
    func run(
        accounts: [Int64], onSnapshot: @escaping @Sendable ([EntityChange]) async throws -> Void,
        onChanges: @escaping @Sendable ([EntityChange]) async throws -> Void
    ) async throws {
        // A snapshot of a busy day is long.
        let options = WebSocketOptions(
            connectTimeout: connectTimeout, silenceLimit: silenceLimit, maximumFrameBytes: 64 << 20, maximumMessageBytes: 64 << 20,
            maximumBufferedMessages: 4096)
        let connection = try await WebSocketClient(options: options).connect(to: url)
        let isReady = ReadyFlag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await read(connection, accounts: accounts, isReady: isReady, onSnapshot: onSnapshot, onChanges: onChanges)
            }
            group.addTask {
                while true {
                    try await clock.sleep(for: Self.heartbeatPeriod)
                    try await connection.send(TradovateFrame.clientHeartbeat)
                }
            }
            group.addTask {
                try await clock.sleep(for: Self.readyTimeout)
                guard isReady.isSet else { throw End.ended("no answer to the synchronisation") }
                // Ends with the group.
                while true { try await clock.sleep(for: .seconds(3600)) }
            }
            defer { group.cancelAll() }
            do { try await group.next() } catch {
                await connection.close()
                throw error
            }
        }
    }

    private func read(
        _ connection: WebSocketConnection, accounts: [Int64], isReady: ReadyFlag,
        onSnapshot: @Sendable ([EntityChange]) async throws -> Void, onChanges: @Sendable ([EntityChange]) async throws -> Void
    ) async throws {
        var synchronisation = 1
        for try await text in connection.messages {
            switch try frame(text) {
            case .open: try await connection.send(try authorisation())
            case .heartbeat: break
            case .close(let code, let reason): throw End.ended("the venue closed: \(code.map(String.init) ?? "") \(reason ?? "")")
            case .messages(let messages):
                var changes: [EntityChange] = []
                for message in messages {
                    switch message {
                    case .response(0, let status, let body):
                        guard status == 200 else { throw refused("authorisation", status, body) }
                        try await api.admit(
                            [TradovateDialect.Scope.requests: 1, TradovateDialect.Scope.synchronisations: 1], priority: .urgent)
                        try await connection.send(request(synchronisation, accounts, ticket: nil))
                    case .response(Int64(synchronisation), let status, let body):
                        guard status == 200 else { throw refused("synchronisation", status, body) }
                        if let penalty = TradovateReply.Penalty(body) {
                            guard !penalty.needsCaptcha else { throw End.quota("the venue asks for a captcha") }
                            try await clock.sleep(for: penalty.wait)
                            synchronisation += 1
                            try await connection.send(request(synchronisation, accounts, ticket: penalty.ticket))
                        } else {
                            try await onSnapshot(EntityChange.all(inSnapshot: body))
                            isReady.set()
                        }
                    case .response, .other: break
                    case .changes(let told): changes += told
                    case .shutdown(let code):
                        throw code.hasSuffix("QuotaReached") ? End.quota("shutdown: \(code)") : End.ended("shutdown: \(code)")
                    }
                }
                if !changes.isEmpty { try await onChanges(changes) }
            }
        }
        throw End.ended("the connection ended")
    }

    private func frame(_ text: String) throws -> TradovateFrame {
        do { return try TradovateFrame(text) } catch { throw End.ended("a frame could not be read: \(error)") }
    }

    /// The body is the bare token, neither JSON nor with a scheme before it.
    private func authorisation() throws -> String {
        guard let token = api.token.current else { throw End.ended("no session") }
        return TradovateFrame.request("authorize", id: 0, body: token.reveal())
    }

    private func request(_ id: Int, _ accounts: [Int64], ticket: String?) -> String {
        var body = WireJSON.object([
            "splitResponses": false, "accounts": .array(accounts.map { .integer($0) }),
            "entityTypes": .array(Self.entityTypes.map { .string($0) }),
        ])
        if let ticket { body = body.adding("p-ticket", .string(ticket)) }
        return TradovateFrame.request("user/syncrequest", id: id, body: body.text)
    }

    private func refused(_ what: String, _ status: Int64, _ body: WireJSON) -> End {
        switch status {
        case 401: api.token.doubt()
        case 408: api.token.drop()
        case 423, 429: return .quota("\(what) refused with \(status)")
        default: break
        }
        return .ended("\(what) refused with \(status) \(body.string ?? "")")
    }
}
