import SimulatorKit
import TradingModel

/// An error as the venue words it. Texts and codes: Binance spot API docs, errors.md, read 2026-11-21.
struct BinanceError: Error, Sendable {
    let status: Int
    let code: Int
    let message: String
    /// What came of the two halves of a cancel-replace.
    var data: JSONValue?
    /// When to come back, for 429 and 418.
    var retryAfter: Duration?

    init(_ code: Int, _ message: String, status: Int = 400) {
        self.status = status
        self.code = code
        self.message = message
    }

    /// - Parameter new: Nil if the new order was not attempted.
    static func cancelReplaceFailed(cancel: Result<JSONValue, BinanceError>, new: Result<JSONValue, BinanceError>?) -> BinanceError {
        let word = { (result: Result<JSONValue, BinanceError>?) -> JSONValue in
            switch result {
            case .success: "SUCCESS"
            case .failure: "FAILURE"
            case nil: "NOT_ATTEMPTED"
            }
        }
        let reply = { (result: Result<JSONValue, BinanceError>?) -> JSONValue in
            switch result {
            case .success(let json): json
            case .failure(let error): error.json
            case nil: .null
            }
        }
        let isHalf = word(cancel) == "SUCCESS" || word(new) == "SUCCESS"
        var error =
            isHalf
            ? BinanceError(-2021, "Order cancel-replace partially failed.", status: 409)
            : BinanceError(-2022, "Order cancel-replace failed.")
        error.data = .object([
            "cancelResult": word(cancel), "newOrderResult": word(new), "cancelResponse": reply(cancel), "newOrderResponse": reply(new),
        ])
        return error
    }

    var json: JSONValue {
        let body = JSONValue.object(["code": .integer(code), "msg": .string(message)])
        return data.map { body.adding(["data": $0]) } ?? body
    }

    static let outsideWindow = BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")
    static let ahead = BinanceError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    static let wrongSignature = BinanceError(-1022, "Signature for this request is not valid.")
    static let badWindow = BinanceError(-1131, "recvWindow must be less than 60000")
    static let keyFormat = BinanceError(-2014, "API-key format invalid.", status: 401)
    static let unknownKey = BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", status: 401)
    static let invalidSymbol = BinanceError(-1121, "Invalid symbol.")
    static let noSuchOrder = BinanceError(-2013, "Order does not exist.")
    static let unknownOrder = BinanceError(-2011, "Unknown order sent.")
    static let insufficientBalance = BinanceError(-2010, "Account has insufficient balance for requested action.")
    static let duplicateOrder = BinanceError(-2010, "Duplicate order sent.")
    static let wouldTake = BinanceError(-2010, "Order would immediately match and take.")
    static let wouldTrigger = BinanceError(-2010, "Order would trigger immediately.")
    static let mismatchedIDs = BinanceError(-2039, "Client order ID is not correct for this order ID.")
    static let timedOut = BinanceError(
        -1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown.", status: 504)

    static func tooMuchWeight(_ limit: Int, retryAfter: Duration) -> BinanceError {
        var error = BinanceError(
            -1003,
            "Too much request weight used; current limit is \(limit) request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.",
            status: 429)
        error.retryAfter = retryAfter
        return error
    }

    static func banned(until end: Timestamp, at now: Timestamp) -> BinanceError {
        var error = BinanceError(
            -1003,
            "Way too much request weight used; IP banned until \(end.milliseconds). Please use WebSocket Streams for live updates to avoid bans.",
            status: 418)
        error.retryAfter = end - now
        return error
    }

    static func missing(_ name: String) -> BinanceError {
        BinanceError(-1102, "Mandatory parameter '\(name)' was not sent, was empty/null, or malformed.")
    }
    static func notRequired(_ name: String) -> BinanceError { BinanceError(-1106, "Parameter '\(name)' sent when not required.") }
    static func illegal(_ name: String, legal: String) -> BinanceError {
        BinanceError(-1100, "Illegal characters found in parameter '\(name)'; legal range is '\(legal)'.")
    }
    static func precision(_ name: String) -> BinanceError { BinanceError(-1111, "Parameter '\(name)' has too much precision.") }
    static func filter(_ name: String) -> BinanceError { BinanceError(-1013, "Filter failure: \(name)") }
}
