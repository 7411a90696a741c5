import ServerKit
import SimulatorKit
import TradingModel

/// One connection of the WebSocket API, as its requests and its events see it.
struct BinanceWire: Sendable {
    let desk: BinanceDesk
    let connection: WebSocketConnection
    let number: Int
    let session: BinanceSession

    /// Answers one request, and for a subscription goes on to send its events until it ends.
    func handle(_ text: String) async throws {
        guard let message = try? JSONValue(parsing: text), case .string(let method)? = message["method"] else {
            return try await answer(.null, .failure(BinanceError(-1135, "Invalid JSON Request")), weight: 0)
        }
        let id = message["id"] ?? .null
        let parameters = BinanceParameters((message["params"]?.members ?? []).map { ($0.name, $0.value.scalarText ?? $0.value.text) })
        switch method {
        case "session.logon": try await logOn(id, parameters)
        case "session.logout":
            session.logOut()
            try await answer(id, .success(sessionState))
        case "session.status": try await answer(id, .success(sessionState))
        case "session.subscriptions":
            let numbers = session.current.accounts.keys.sorted().map { JSONValue.object(["subscriptionId": .integer($0)]) }
            try await answer(id, .success(.array(numbers)))
        case "userDataStream.subscribe": try await subscribe(id, parameters, isSigned: false)
        case "userDataStream.subscribe.signature": try await subscribe(id, parameters, isSigned: true)
        case "userDataStream.unsubscribe": try await unsubscribe(id, parameters)
        case "userDataStream.start", "userDataStream.ping", "userDataStream.stop":
            try await answer(id, .failure(BinanceError(-1000, "This method has been retired.", status: 410)))
        default:
            guard let operation = BinanceOperation.byWebSocketMethod[method] else {
                return try await answer(id, .failure(BinanceError(-1020, "This operation is not supported.")))
            }
            try await perform(id, request(operation, method, parameters))
        }
    }

    // MARK: Requests

    private func request(_ operation: BinanceOperation, _ method: String, _ parameters: BinanceParameters) -> BinanceRequest {
        let own = parameters["apiKey"]
        return BinanceRequest(
            operation: operation, parameters: parameters, key: own ?? session.current.key, payload: webSocketPayload(parameters),
            isLoggedOn: own == nil && session.current.key != nil, method: "WS", path: method)
    }

    private func perform(_ id: JSONValue, _ request: BinanceRequest) async throws {
        switch try await desk.answer(request) {
        case .reply(let reply): try await answer(id, reply.result, weight: reply.weight, retryAfter: reply.retryAfter)
        case .drop: connection.drop()
        case .garbage: try await connection.write(text: WireReply<SimulatorReply>.garbageText)
        case .truncated(let reply, let bytes):
            let whole = envelope(id, reply.result, weight: reply.weight, retryAfter: reply.retryAfter).text
            try await connection.write(text: String(whole.prefix(bytes ?? whole.count / 2)))
            connection.drop()
        }
    }

    private func answer(
        _ id: JSONValue, _ result: Result<JSONValue, BinanceError>, weight: Int = 2, retryAfter: Duration? = nil
    ) async throws {
        guard !desk.controls.streams.isSilent(number) else { return }
        try await connection.write(text: envelope(id, result, weight: weight, retryAfter: retryAfter).text)
    }

    private func envelope(
        _ id: JSONValue, _ result: Result<JSONValue, BinanceError>, weight: Int, retryAfter: Duration?
    ) -> JSONValue {
        let limits = desk.engine.limits.usage(weight: weight)
        switch result {
        case .success(let json): return .object(["id": id, "status": 200, "result": json, "rateLimits": limits])
        case .failure(let error):
            var body = error.json
            if error.status == 429 || error.status == 418, let retryAfter {
                // Milliseconds since 1970 here, while REST says seconds from now.
                let now = desk.engine.exchange.now
                body = body.adding([
                    "data": .object(["serverTime": .milliseconds(now), "retryAfter": .milliseconds(now + retryAfter)])
                ])
            }
            return .object(["id": id, "status": .integer(error.status), "error": body, "rateLimits": limits])
        }
    }

    // MARK: Session

    private func logOn(_ id: JSONValue, _ parameters: BinanceParameters) async throws {
        let now = desk.engine.exchange.now
        do throws(BinanceError) {
            let signed = BinanceRequest(
                operation: .account, parameters: parameters, key: parameters["apiKey"], payload: webSocketPayload(parameters),
                method: "WS", path: "session.logon")
            try desk.authenticate(signed, at: now)
            if let key = signed.key, case .hmac? = desk.keys[key] {
                throw BinanceError(-4056, "HMAC_SHA256 API key is not supported.")
            }
            session.logOn(signed.key ?? "", at: now)
        } catch {
            return try await answer(id, .failure(error))
        }
        try await answer(id, .success(sessionState))
    }

    private var sessionState: JSONValue {
        let state = session.current
        return .object([
            "apiKey": state.key.map { .string($0) } ?? .null,
            "authorizedSince": state.authorizedSince.map { .milliseconds($0) } ?? .null,
            "connectedSince": .milliseconds(session.connectedAt), "returnRateLimits": true,
            "serverTime": .milliseconds(desk.engine.exchange.now), "userDataStream": .boolean(!state.accounts.isEmpty),
        ])
    }

    // MARK: User data

    private func subscribe(_ id: JSONValue, _ parameters: BinanceParameters, isSigned: Bool) async throws {
        let account: String
        do throws(BinanceError) {
            if isSigned {
                let signed = BinanceRequest(
                    operation: .account, parameters: parameters, key: parameters["apiKey"], payload: webSocketPayload(parameters),
                    method: "WS", path: "userDataStream.subscribe.signature")
                try desk.authenticate(signed, at: desk.engine.exchange.now)
                account = signed.key ?? ""
            } else {
                guard let key = session.current.key else { throw .unknownKey }
                account = key
            }
        } catch {
            return try await answer(id, .failure(error))
        }
        guard let subscription = session.subscribe(account) else {
            return try await answer(id, .failure(BinanceError(-2035, "User Data Stream subscription already active.")))
        }
        // Taken before the answer, so that nothing that happens after it is missed.
        let events = desk.engine.exchange.events(of: account)
        try await answer(id, .success(.object(["subscriptionId": .integer(subscription)])))
        try await send(events, subscription, account)
    }

    private func send(_ batches: AsyncStream<[ExchangeEvent]>, _ subscription: Int, _ account: String) async throws {
        var held: [String] = []
        for await batch in batches {
            guard session.isActive(subscription) else { return }
            for event in desk.engine.events(batch, account: account, sentAt: desk.engine.exchange.now) {
                try await desk.controls.streams.send(wrapped(event, subscription), on: connection, number: number, held: &held)
            }
            guard !held.isEmpty else { continue }
            try await desk.engine.clock.sleep(for: StreamFaults.reorderWait)
            for late in held { try await connection.write(text: late) }
            held.removeAll()
        }
        // A reader that has fallen too far behind loses its connection, as at the venue.
        if !Task.isCancelled { connection.drop() }
    }

    private func unsubscribe(_ id: JSONValue, _ parameters: BinanceParameters) async throws {
        let wanted = parameters["subscriptionId"].flatMap { Int($0) }
        let ended = session.unsubscribe(wanted)
        guard wanted == nil || !ended.isEmpty else {
            return try await answer(id, .failure(BinanceError(-2036, "User Data Stream subscription not active.")))
        }
        try await answer(id, .success(.object([])))
        for subscription in ended {
            let event = JSONValue.object(["e": "eventStreamTerminated", "E": .milliseconds(desk.engine.exchange.now)])
            try await connection.write(text: wrapped(event, subscription))
        }
    }

    private func wrapped(_ event: JSONValue, _ subscription: Int) -> String {
        JSONValue.object(["subscriptionId": .integer(subscription), "event": event]).text
    }
}
