import ServerKit
import SimulatorKit
import TradingModel

/// One request as either wire brings it, with what is needed to check its signature.
struct BinanceRequest: Sendable {
    let operation: BinanceOperation
    let parameters: BinanceParameters
    /// The API key; nil if none was sent.
    let key: String?
    /// The text that was signed.
    let payload: String
    /// A WebSocket session that has logged on signs no more.
    var isLoggedOn = false
    let method: String
    let path: String
}

/// Takes requests from both wires: limits, keys, faults, the engine, the log.
struct BinanceDesk: Sendable {
    let engine: BinanceEngine
    let controls: SimulatorControls
    let keys: [String: BinanceKey]
    let acceptsUnknownKeys: Bool

    /// What a request came to, on its way to a wire.
    struct Answer: Sendable {
        let result: Result<JSONValue, BinanceError>
        var weight: Int
        /// Of each window of the limits on orders.
        var orderCounts: [Int]?
        /// When to come back, for 429 and 418.
        var retryAfter: Duration?
        /// A body that is no JSON, as load balancers send it.
        var html: String?
    }

    func answer(_ request: BinanceRequest) async throws -> WireReply<Answer> {
        let now = engine.exchange.now
        let (reply, fault) = try await controls.faults.perform(
            request.operation.faultPoint, symbol: request.parameters["symbol"], clock: engine.clock, replies: replies(request.operation)
        ) { fault in
            work(request, arrivedAt: now, fault: fault)
        }
        let outcome: String =
            switch reply {
            case .reply(let answer), .truncated(let answer, _): answer.outcome
            case .drop: "dropped"
            case .garbage: "garbage"
            }
        controls.log.add(
            method: request.method, path: request.path, parameters: request.parameters.all, at: now, outcome: outcome, fault: fault)
        return reply
    }

    private func work(_ request: BinanceRequest, arrivedAt: Timestamp, fault: Fault?) -> Answer {
        let result: Result<JSONValue, BinanceError>
        var counts: [Int]?
        let account = request.key ?? ""
        do throws(BinanceError) {
            try engine.limits.check(request.operation, account: account, at: arrivedAt)
            if request.operation.isSigned { try authenticate(request, at: arrivedAt) } else if request.operation.needsKey { try checkKey(request) }
            let json = try engine.perform(request.operation, request.parameters, account: account, fault: fault)
            if request.operation.newOrders > 0 {
                let filledAtOnce = (json["newOrderResponse"] ?? json)["executedQty"]?.scalarText.map { $0 != "0.00000000" } ?? false
                counts = engine.limits.addOrders(filledAtOnce ? 0 : request.operation.newOrders, account: account, at: arrivedAt)
            }
            result = .success(json)
        } catch {
            result = .failure(error)
        }
        var succeeded = false
        var retryAfter: Duration?
        switch result {
        case .success: succeeded = true
        case .failure(let error): retryAfter = error.retryAfter
        }
        let weight = engine.limits.addWeight(request.operation.weight(request.parameters, succeeded: succeeded, engine.dialect), at: arrivedAt)
        return Answer(result: result, weight: weight, orderCounts: counts, retryAfter: retryAfter)
    }

    /// Key, window and signature, in the venue's order.
    func authenticate(_ request: BinanceRequest, at now: Timestamp) throws(BinanceError) {
        guard let key = request.key, !key.isEmpty else { throw .keyFormat }
        guard let registered = keys[key] else {
            guard acceptsUnknownKeys else { throw .unknownKey }
            return try checkForm(request, at: now)
        }
        try checkForm(request, at: now)
        guard !request.isLoggedOn else { return }
        guard registered.verifies(request.parameters["signature"] ?? "", of: request.payload) else { throw .wrongSignature }
    }

    private func checkKey(_ request: BinanceRequest) throws(BinanceError) {
        guard let key = request.key, !key.isEmpty else { throw .keyFormat }
        guard acceptsUnknownKeys || keys[key] != nil else { throw .unknownKey }
    }

    private func checkForm(_ request: BinanceRequest, at now: Timestamp) throws(BinanceError) {
        if !request.isLoggedOn, request.parameters["signature"] == nil { throw .missing("signature") }
        try BinanceWindow(request.parameters).check(at: now)
    }

    // MARK: Faults in the venue's words

    private func replies(_ operation: BinanceOperation) -> FaultReplies<Answer> {
        FaultReplies(
            status: { status, fault in
                let isAfter = fault.action == .statusAfterAccept
                guard let code = fault.code ?? (isAfter ? -1007 : nil) else {
                    return Answer(
                        result: .failure(BinanceError(-1000, "", status: status)), weight: 0,
                        html: "<html><head><title>\(status)</title></head><body><center><h1>\(status)</h1></center></body></html>")
                }
                let error = BinanceError(code, fault.message ?? BinanceError.timedOut.message, status: status)
                return Answer(result: .failure(error), weight: 0)
            },
            reject: { fault in Answer(result: .failure(rejection(operation, fault)), weight: 1) },
            rateLimit: { fault in
                let wait = fault.duration(default: .seconds(2))
                let now = engine.exchange.now
                let usual = BinanceError.tooMuchWeight(engine.limits.settings.weightPerMinute, retryAfter: wait)
                let error =
                    fault.status == 418
                    ? BinanceError.banned(until: now + wait, at: now)
                    : BinanceError(fault.code ?? usual.code, fault.message ?? usual.message, status: 429)
                return Answer(result: .failure(error), weight: engine.limits.settings.weightPerMinute, retryAfter: wait)
            })
    }

    private func rejection(_ operation: BinanceOperation, _ fault: Fault) -> BinanceError {
        let usual: BinanceError =
            switch operation {
            case .place, .test, .placeOCO, .placeOTO, .placeOTOCO: .insufficientBalance
            case .cancel, .cancelAll, .cancelList: .unknownOrder
            case .cancelReplace: .cancelReplaceFailed(cancel: .failure(.unknownOrder), new: nil)
            case .modify: BinanceError(-5027, "No need to modify the order.")
            case .amend: BinanceError(-2038, "Order amend rejected.")
            case .query: .noSuchOrder
            default: BinanceError(-1000, "An unknown error occurred while processing the request.")
            }
        let worded = engine.words.error(usual)
        return BinanceError(fault.code ?? worded.code, fault.message ?? worded.message, status: fault.status ?? worded.status)
    }
}

extension BinanceDesk.Answer {
    var outcome: String {
        switch result {
        case .success: "200"
        case .failure(let error): html == nil ? "\(error.status) \(error.code)" : "\(error.status)"
        }
    }
}
