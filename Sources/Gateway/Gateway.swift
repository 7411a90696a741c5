import BrokerContract
import LockContract
import Logging
import OrderFlow
import ServiceLifecycle
import StoreContract
import TradingModel

/// One webhook request, as the HTTP layer hands it over.
public struct HookRequest: Sendable {
    public var source: SourceID
    /// The path's last part in `POST /hooks/{source}/{secret}`.
    public var pathSecret: String?
    /// Lower-case names. A repeated header's values are joined with `, `.
    public var headers: [String: String]
    public var body: [UInt8]
    /// The address of the TCP peer.
    public var peerAddress: String
    /// Correlation id, accepted from the sender or minted.
    public var requestID: String
    public var traceparent: String?

    public init(
        source: SourceID, pathSecret: String?, headers: [String: String], body: [UInt8], peerAddress: String, requestID: String,
        traceparent: String?
    ) {
        self.source = source
        self.pathSecret = pathSecret
        self.headers = headers
        self.body = body
        self.peerAddress = peerAddress
        self.requestID = requestID
        self.traceparent = traceparent
    }
}

/// What the sender is told.
public struct HookAnswer: Sendable, Equatable {
    public var status: Int
    /// `application/json` or `application/problem+json`.
    public var contentType: String
    public var headers: [String: String]
    public var body: String
    public init(status: Int, contentType: String = "application/json", headers: [String: String] = [:], body: String) {
        self.status = status
        self.contentType = contentType
        self.headers = headers
        self.body = body
    }
}

/// How one account is doing, for the API.
public struct AccountStatus: Sendable {
    public var settings: AccountSettings
    public var health: BrokerHealth
    /// Whether this gateway holds the account now.
    public var tenure: Tenure?
    public var openOrders: Int
    /// Set while a person has to release the account.
    public var halt: AccountHalt?
    public init(settings: AccountSettings, health: BrokerHealth, tenure: Tenure?, openOrders: Int, halt: AccountHalt? = nil) {
        self.halt = halt
        self.settings = settings
        self.health = health
        self.tenure = tenure
        self.openOrders = openOrders
    }
}

/// Whether the gateway takes signals, and each part's state, for `/readyz`.
public struct ReadinessReport: Sendable {
    public enum Status: String, Sendable { case pass, warn, fail }
    public var checks: [(name: String, status: Status, detail: String)]
    public init(checks: [(name: String, status: Status, detail: String)]) { self.checks = checks }
    /// `fail` only if signals cannot be stored or the gateway is stopping; a sick broker is a warning.
    public var status: Status {
        checks.contains { $0.status == .fail } ? .fail : checks.contains { $0.status == .warn } ? .warn : .pass
    }
}
