import HTTPTypes
import StoreContract
import TradingModel

/// What a path names.
enum Endpoint: Equatable {
    case hook(source: SourceID, secret: String?)
    case livez, readyz
    case signals
    case signal(SignalID)
    case orders
    case order(OrderID)
    case decision(OrderID)
    case watchedOrders
    /// By our id, the client order id or the venue's.
    case orderSync(String)
    case accountSync(AccountID)
    case resume(AccountID)
    case externalOrders(AccountID)
    case reconciliation(AccountID)
    case bust(OrderID)
    case positions, accounts, adapters, alerts, events, stream
    case locks
    case lock(AccountID)
    case unlock(AccountID)
    case workers, queue, deadLetters
    case pools
    case transactions
    case deadLetter(OrderID, DeadLetterDecision)

    /// Nil for a path that names nothing.
    init?(path: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { part in
            part.utf8.contains(0x25) ? part.removingURLPercentEncoding() : String(part)
        }
        switch (parts.count, parts.first) {
        case (2, "hooks"), (3, "hooks"):
            guard let source = parts[1], !source.isEmpty else { return nil }
            guard parts.count == 3 else {
                self = .hook(source: SourceID(source), secret: nil)
                return
            }
            guard let secret = parts[2], !secret.isEmpty else { return nil }
            self = .hook(source: SourceID(source), secret: secret)
        case (1, "livez"): self = .livez
        case (1, "readyz"): self = .readyz
        case (3..., "api") where parts[1] == "v1":
            guard let found = Endpoint(resource: parts[2...].map { $0 }) else { return nil }
            self = found
        default: return nil
        }
    }

    /// The part after `/api/v1/`.
    private init?(resource: [String?]) {
        switch (resource.count, resource[0]) {
        case (1, "signals"): self = .signals
        case (1, "orders"): self = .orders
        case (1, "positions"): self = .positions
        case (1, "accounts"): self = .accounts
        case (1, "adapters"): self = .adapters
        case (1, "events"): self = .events
        case (1, "stream"): self = .stream
        case (2..., "monitoring"):
            guard let found = Endpoint(monitoring: Array(resource.dropFirst())) else { return nil }
            self = found
        case (2, "signals"):
            guard let id = resource[1], !id.isEmpty else { return nil }
            self = .signal(SignalID(id))
        case (2, "orders") where resource[1] == "monitoring": self = .watchedOrders
        case (3, "orders") where resource[2] == "sync":
            guard let id = resource[1], !id.isEmpty else { return nil }
            self = .orderSync(id)
        case (3, "accounts"):
            guard let name = resource[1], !name.isEmpty else { return nil }
            let account = AccountID(name)
            switch resource[2] {
            case "sync": self = .accountSync(account)
            case "resume": self = .resume(account)
            case "external-orders": self = .externalOrders(account)
            case "reconciliation": self = .reconciliation(account)
            default: return nil
            }
        case (2, "orders"):
            guard let id = resource[1], !id.isEmpty else { return nil }
            self = .order(OrderID(id))
        case (3, "orders") where resource[2] == "decision":
            guard let id = resource[1], !id.isEmpty else { return nil }
            self = .decision(OrderID(id))
        case (3, "orders") where resource[2] == "bust":
            guard let id = resource[1], !id.isEmpty else { return nil }
            self = .bust(OrderID(id))
        default: return nil
        }
    }

    /// The part after `/api/v1/monitoring/`.
    private init?(monitoring: [String?]) {
        switch (monitoring.count, monitoring[0]) {
        case (1, "alerts"): self = .alerts
        case (1, "workers"): self = .workers
        case (1, "queue"): self = .queue
        case (1, "pools"): self = .pools
        case (1, "transactions"): self = .transactions
        case (1, "dead-letters"): self = .deadLetters
        case (2, "locks") where monitoring[1] == "status": self = .locks
        case (3, "locks") where monitoring[1] == "account", (4, "locks") where monitoring[1] == "account":
            guard let account = monitoring[2], !account.isEmpty else { return nil }
            guard monitoring.count == 4 else {
                self = .lock(AccountID(account))
                return
            }
            guard monitoring[3] == "unlock" else { return nil }
            self = .unlock(AccountID(account))
        case (3, "dead-letters"):
            guard let order = monitoring[1], !order.isEmpty, let decision = monitoring[2].flatMap(DeadLetterDecision.init(rawValue:)) else { return nil }
            self = .deadLetter(OrderID(order), decision)
        default: return nil
        }
    }

    var methods: [HTTPRequest.Method] {
        switch self {
        case .hook, .decision, .bust, .unlock, .deadLetter, .orderSync, .accountSync, .resume: [.post]
        case .events, .stream: [.get]
        case .orders: [.get, .head, .post]
        case .order: [.get, .head, .delete]
        default: [.get, .head]
        }
    }
}

extension Substring {
    /// Nil if an escape is malformed or the bytes are not UTF-8.
    fileprivate func removingURLPercentEncoding() -> String? {
        var bytes: [UInt8] = []
        var rest = utf8.makeIterator()
        while let byte = rest.next() {
            guard byte == 0x25 else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(hexDigit), let low = rest.next().flatMap(hexDigit) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
