import BrokerContract
import Foundation
import GatewayConfiguration
import PluginSettings
import TradingModel

/// What every adapter of this program declares, as Markdown for the documentation.
struct AdapterTables {
    let entries: [BrokerRegistry.Entry]

    static let begin = "<!-- turnstile adapter list --markdown -->"
    static let end = "<!-- end of the list -->"

    var markdown: String {
        [
            table("can do", capabilities), table("guarantees", semantics),
        ].joined(separator: "\n\n")
    }

    /// A page with the tables between its two marks; nil if it has no place for them.
    func updated(_ page: String) -> String? {
        guard let begin = page.range(of: Self.begin), let end = page.range(of: Self.end), begin.upperBound <= end.lowerBound else { return nil }
        return page[..<begin.upperBound] + "\n" + markdown + "\n" + page[end.lowerBound...]
    }

    private typealias Row = (title: String, value: @Sendable (BrokerRegistry.Entry) -> String)

    private var capabilities: [Row] {
        [
            ("order types", { Self.list($0.capabilities.orderTypes) }), ("times in force", { Self.list($0.capabilities.timesInForce) }),
            ("replace", { Self.word($0.capabilities.canReplace) }), ("a new price or more", { Self.words($0.capabilities.repricing) }),
            ("bracket", { Self.word($0.capabilities.canBracket) }), ("exit pair", { Self.word($0.capabilities.canPlaceExitPair) }),
            ("close a position", { Self.word($0.capabilities.canClosePosition) }),
            ("post-only", { Self.word($0.capabilities.canPostOnly) }), ("reduce-only", { Self.word($0.capabilities.canReduceOnly) }),
            ("sell short", { Self.word($0.capabilities.canSellShort) }), ("stream", { Self.word($0.capabilities.hasStream) }),
            ("positions", { Self.word($0.capabilities.hasPositions) }), ("default mode", { $0.defaultMode.rawValue }),
        ]
    }

    private var semantics: [Row] {
        [
            ("the same client order id again", { Self.words($0.semantics.deduplication) }),
            ("lookup by client order id", { Self.words($0.semantics.lookup) }),
            ("a query may miss an order for", { $0.semantics.visibilityHorizon.settingsText }),
            ("late requests", { Self.words($0.semantics.requestExpiry) }), ("stream", { Self.words($0.semantics.stream) }),
            ("fills name", { Self.words($0.semantics.fillKey) }), ("a cancel names", { Self.words($0.semantics.cancelKey) }),
            ("orders when the connection ends", { $0.semantics.cancelsOnDisconnect ? "cancelled" : "stay" }),
            ("refusals that count as a no", { String($0.semantics.definitiveRefusals.count) }),
            ("limits", { $0.semantics.rateLimits.map { "\($0.scope) \($0.limit)/\($0.interval.settingsText)" }.joined(separator: ", ") }),
            ("client order id", { "\($0.semantics.clientOrderIDRules.form.rawValue), up to \($0.semantics.clientOrderIDRules.maximumLength)" }),
        ]
    }

    private func table(_ title: String, _ rows: [Row]) -> String {
        let head = "| \(title) | " + entries.map { "`\($0.id)`" }.joined(separator: " | ") + " |"
        let rule = "|---|" + entries.map { _ in "---|" }.joined()
        let lines = rows.map { row in
            "| \(row.title) | " + entries.map { row.value($0) }.map { $0.isEmpty ? "none" : $0 }.joined(separator: " | ") + " |"
        }
        return ([head, rule] + lines).joined(separator: "\n")
    }

    private static func word(_ value: Bool) -> String { value ? "yes" : "no" }

    /// In the order in which the contract names them, not in that of a hash.
    private static func list<Value: RawRepresentable<String> & CaseIterable & Hashable>(_ values: Set<Value>) -> String {
        Value.allCases.filter { values.contains($0) }.map(\.rawValue).joined(separator: ", ")
    }

    private static func words(_ repricing: Repricing) -> String {
        switch repricing {
        case .none: "no"
        case .inPlace: "the order stays"
        case .successor: "another order takes its place"
        }
    }

    static func words(_ deduplication: VenueSemantics.Deduplication) -> String {
        switch deduplication {
        case .none: "executed twice"
        case .amongOpen: "recognised while open"
        case .window(let duration): "recognised for \(duration.settingsText)"
        case .forever: "recognised"
        }
    }

    private static func words(_ lookup: VenueSemantics.Lookup) -> String {
        switch lookup {
        case .none: "none"
        case .openOnly: "open orders"
        case .openAndClosed(let retention): "open, and closed for \(retention.settingsText)"
        }
    }

    private static func words(_ expiry: VenueSemantics.RequestExpiry) -> String {
        switch expiry {
        case .none: "taken"
        case .enforced(let duration): "refused after \(duration.settingsText)"
        }
    }

    private static func words(_ stream: VenueSemantics.Stream) -> String {
        switch stream {
        case .none: "none"
        case .unsequenced: "gaps are not seen"
        case .sequenced: "gaps are seen"
        }
    }

    private static func words(_ key: VenueSemantics.FillKey) -> String {
        switch key {
        case .none: "no order"
        case .venueOrderID: "the venue's id"
        case .clientOrderID: "our id"
        }
    }

    private static func words(_ key: VenueSemantics.CancelKey) -> String {
        switch key {
        case .none: "no order"
        case .venueOrderID: "the venue's id"
        case .clientOrderID: "our id"
        }
    }
}
