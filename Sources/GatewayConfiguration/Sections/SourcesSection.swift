import Foundation
import Gateway
import PluginSettings
import TradingModel

/// `sources: { tv: { format, secret, signing_key, signature_tolerance, allow, dedupe, rate_limit, max_age } }`
struct SourcesSection {
    let settings: [SourceSettings]
    let names: [String]

    init(_ root: SettingsReader) {
        var settings: [SourceSettings] = []
        var names: [String] = []
        root.each("sources") { name, source in
            checkName(name, source, at: root.node("sources")?.position(ofKey: name), reserved: GatewaySettings.ownNames)
            names.append(name)
            settings.append(Self.read(name, source))
        }
        self.settings = settings
        self.names = names
    }

    private static func read(_ name: String, _ source: SettingsReader) -> SourceSettings {
        let secrets = source.secretList("secret")
        if secrets.contains(where: \.isEmpty) { source.problem("\(source.path).secret must not be empty", at: source.position(of: "secret")) }
        let keys = source.secretList("signing_key")
        for key in keys where !isSigningKey(key) {
            source.problem(
                "\(source.path).signing_key must be whsec_ and 24 to 64 bytes in base64 (Standard Webhooks)", at: source.position(of: "signing_key"))
        }
        let allow = allowList(source)
        if !source.has("secret"), !source.has("signing_key"), !source.has("allow") {
            source.problem("\(source.path) would take signals from anybody: give it a secret, a signing_key or an allow list")
        }
        let (window, field) = source.block("dedupe") { dedupe in
            (dedupe.duration("window", default: .seconds(300), in: .seconds(1) ... .seconds(30 * 86400)), dedupe.text("field"))
        }
        if field?.isEmpty == true { source.problem("\(source.path).dedupe.field must name a field of the payload") }
        return SourceSettings(
            id: SourceID(name), format: source.choice("format", default: .native), secrets: secrets, signingKeys: keys,
            signatureTolerance: source.duration("signature_tolerance", default: .seconds(300), in: .seconds(1) ... .seconds(3600)),
            allow: allow, dedupeField: field, dedupeWindow: window, rateLimit: rateLimit(source),
            maxAge: source.duration("max_age", default: .seconds(60), in: .seconds(1) ... .seconds(86400)))
    }

    /// `tradingview` stands for TradingView's senders, alone or within a list.
    private static func allowList(_ source: SettingsReader) -> [AddressRange] {
        guard source.has("allow") else { return [] }
        let entries = source.list("allow")
        if entries.isEmpty, case .list? = source.node("allow")?.content {
            source.problem("\(source.path).allow must name at least one address, or be left out to allow all", at: source.position(of: "allow"))
        }
        return entries.flatMap { entry in
            entry.text == "tradingview"
                ? AddressRange.tradingView : addressRange(entry, path: "\(source.path).allow", source).map { [$0] } ?? []
        }
    }

    /// `none`, or a block.
    private static func rateLimit(_ source: SettingsReader) -> SourceSettings.RateLimit? {
        if case .scalar("none", _)? = source.node("rate_limit")?.content { return nil }
        return source.block("rate_limit") { limit in
            SourceSettings.RateLimit(
                requests: limit.integer("requests", default: 1, in: 1...100_000),
                per: limit.duration("per", default: .seconds(1), in: .milliseconds(100) ... .seconds(86400)),
                onLimit: limit.choice("on_limit", default: .reject))
        }
    }

    private static func isSigningKey(_ key: Secret) -> Bool {
        let text = key.reveal()
        let encoded = text.hasPrefix("whsec_") ? String(text.dropFirst(6)) : text
        return Data(base64Encoded: encoded).map { (24...64).contains($0.count) } ?? false
    }
}
