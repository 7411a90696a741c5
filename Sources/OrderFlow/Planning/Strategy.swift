import Foundation
import StoreContract
import TradingModel

/// How large an order becomes at one account.
public enum Sizing: Sendable, Hashable {
    /// The signal's quantity times this factor.
    case multiply(Decimal)
    /// Always this quantity, whatever the signal says.
    case fixed(Quantity)
    /// So much quote currency, at the order's limit price or the price that the signal names.
    case quote(Notional)
    /// So many percent of what the account is worth in the instrument's quote currency when the order is permitted.
    case equityPercent(Quantity)
}

/// One strategy's part in the configuration: which source drives it, and where its orders go.
public struct Strategy: Sendable, Hashable {
    public struct Account: Sendable, Hashable {
        public let id: AccountID
        public let sizing: Sizing
        public init(id: AccountID, sizing: Sizing) {
            self.id = id
            self.sizing = sizing
        }
    }

    public let id: StrategyID
    public let source: SourceID
    /// From the signal's symbol to each account's own: `["BTCUSD": ["spot1": "BTCUSDT"]]`.
    public let symbols: [String: [AccountID: Symbol]]
    /// In the order of the configuration.
    public let accounts: [Account]
    public let policy: OrderPolicy
    /// What a signal means that does not say it itself: a delta or a target.
    public let intent: OrderIntent.Kind
    /// Set where the gateway itself places the stops of entries.
    public let protection: Protection?

    /// The stops of a strategy's entries.
    public struct Protection: Sendable, Hashable {
        public enum Mode: String, Sendable, Hashable, CaseIterable {
            /// By the venue, with the entry, where the account's broker takes it so; elsewhere by the gateway.
            case auto
            /// By the gateway, after the fills.
            case managed
        }
        public let mode: Mode
        public let policy: ProtectionPolicy
        public init(mode: Mode, policy: ProtectionPolicy) {
            self.mode = mode
            self.policy = policy
        }
    }

    public init(
        id: StrategyID, source: SourceID, symbols: [String: [AccountID: Symbol]], accounts: [Account], policy: OrderPolicy,
        intent: OrderIntent.Kind = .delta, protection: Protection? = nil
    ) {
        self.intent = intent
        self.protection = protection
        self.id = id
        self.source = source
        self.symbols = symbols
        self.accounts = accounts
        self.policy = policy
    }
}
