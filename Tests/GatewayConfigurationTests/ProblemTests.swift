import Foundation
import Testing

/// One wrong file and what is said about it.
struct Mistake: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    let problems: [String]
    var testDescription: String { name }
    init(_ name: String, _ text: String, _ problems: String...) {
        self.name = name
        self.text = text
        self.problems = problems
    }
}

@Suite struct ProblemTests {
    @Test(arguments: [
        Mistake("version missing", file(version: ""), "turnstile.yaml:1:1 version is required: write `version: 1`"),
        Mistake("version unknown", file(version: "version: 2\nnonsense: 1"), "turnstile.yaml:1:10 version must be 1, the only one that this program reads"),
        Mistake("version quoted", file(version: "version: '1'"), "turnstile.yaml:1:10 version must be 1, the only one that this program reads"),
        Mistake("top level key", file(more: "strategys: {}"), #"turnstile.yaml:8:1 unknown key "strategys" in the file (did you mean "strategies"?)"#),
        Mistake("port", file(http: "http: { port: 65536 }"), #"turnstile.yaml:2:15 http.port must be a whole number from 0 to 65535, not "65536""#),
        Mistake("host empty", file(http: "http: { host: '' }"), "turnstile.yaml:2:9 http.host must be an address or a host name"),
        Mistake("token of an unknown role", file(http: "http: { tokens: { raeder: env:READ } }"), #"turnstile.yaml:2:19 unknown key "raeder" in http.tokens (did you mean "reader"?)"#),
        Mistake("token not set", file(http: "http: { tokens: { reader: env:NOPE } }"), "turnstile.yaml:2:27 http.tokens.reader: environment variable NOPE is not set; set it or use file:PATH"),
        Mistake("proxy", file(http: "http: { trusted_proxies: [10.0.0.0/8, 10.0.0.0/33] }"), #"turnstile.yaml:2:39 http.trusted_proxies: "10.0.0.0/33" is not an IP address or a block such as 10.0.0.0/8 or 2001:db8::/32"#),
        Mistake("half a TLS block", file(http: "http: { tls: { certificate: c.pem } }"), "turnstile.yaml:2:14 http.tls.key is required"),
        Mistake("store type unknown", file(store: "store: { type: sqlit, path: t.db }"), #"turnstile.yaml:3:16 unknown store type "sqlit" in store, known: sqlite (did you mean "sqlite"?)"#),
        Mistake("store missing", file(store: ""), "turnstile.yaml:1:1 store.type is required: one of sqlite"),
        Mistake("store key unknown", file(store: "store: { type: sqlite, path: t.db, sync: full }"), #"turnstile.yaml:3:36 unknown key "sync" in store (known: path, type)"#),
        Mistake("lock shorter than the window", file(locks: "locks: { type: sqlite, ttl: 5s }"), "turnstile.yaml:4:24 locks.ttl (5s) must be longer than gateway.send_window (5s)"),
        Mistake("duration", file(locks: "locks: { type: sqlite, ttl: 30 }"), #"turnstile.yaml:4:29 locks.ttl must be a duration such as 500ms, 5s, 2m, 1h or 1d, not "30""#),
        Mistake("duration out of range", file(more: "gateway: { send_window: 31s }"), "turnstile.yaml:4:24 locks.ttl (30s) must be longer than gateway.send_window (5s)"),
        Mistake("rate limiter unknown", file(more: "rate_limit_backend: { type: memry }"), #"turnstile.yaml:8:29 unknown rate limiter "memry" in rate_limit_backend, known: memory, store (did you mean "memory"?)"#),
        Mistake("rate limiter key unknown", file(more: "rate_limit_backend: { type: memory, url: x }"), #"turnstile.yaml:8:37 unknown key "url" in rate_limit_backend (known: type)"#),
        Mistake("source without protection", file(sources: "sources: { tv: { format: native } }"), "turnstile.yaml:5:16 sources.tv would take signals from anybody: give it a secret, a signing_key or an allow list"),
        Mistake("empty allow list", file(sources: "sources: { tv: { secret: env:TV, allow: [] } }"), "turnstile.yaml:5:34 sources.tv.allow must name at least one address, or be left out to allow all"),
        Mistake("empty secret", file(sources: "sources: { tv: { secret: '' } }"), "turnstile.yaml:5:18 sources.tv.secret must not be empty"),
        Mistake("secret without value", file(sources: "sources: { tv: { secret: , allow: tradingview } }"), #"turnstile.yaml:5:18 "secret" has no value: give it one ({} for an empty block) or remove the key"#),
        Mistake("signing key", file(sources: "sources: { tv: { signing_key: whsec_short } }"), "turnstile.yaml:5:18 sources.tv.signing_key must be whsec_ and 24 to 64 bytes in base64 (Standard Webhooks)"),
        Mistake("format", file(sources: "sources: { tv: { secret: env:TV, format: natve } }"), #"turnstile.yaml:5:42 sources.tv.format must be one of native, not "natve" (did you mean "native"?)"#),
        Mistake("format not built", file(sources: "sources: { tv: { secret: env:TV, format: 3commas } }"), #"turnstile.yaml:5:42 sources.tv.format must be one of native, not "3commas""#),
        Mistake("parking not built", file(sources: "sources: { tv: { secret: env:TV, rate_limit: { on_limit: park } } }"), #"turnstile.yaml:5:58 sources.tv.rate_limit.on_limit must be one of reject, not "park""#),
        Mistake("misspelt inside a block", file(sources: "sources: { tv: { secret: env:TV, dedupe: { windw: 5m } } }"), #"turnstile.yaml:5:44 unknown key "windw" in sources.tv.dedupe (did you mean "window"?)"#),
        Mistake("source name", file(sources: "sources: { tv: { secret: env:TV }, 'a/b': { secret: env:TV } }"), #"turnstile.yaml:5:36 "a/b" is not a name: use 1 to 64 letters, digits, - and _, not starting with -"#),
        Mistake("broker unknown", file(accounts: "accounts: { a: { broker: pap, x: 1 }, p: { broker: paper } }"), #"turnstile.yaml:6:26 unknown broker "pap" in accounts.a, known: paper, venue"#),
        Mistake("broker missing", file(accounts: "accounts: { a: { x: 1 }, p: { broker: paper } }"), "turnstile.yaml:6:16 accounts.a.broker is required: one of paper, venue"),
        Mistake("plugin key unknown", file(accounts: "accounts: { a: { broker: paper, balanses: {} }, p: { broker: paper } }"), #"turnstile.yaml:6:33 unknown key "balanses" in accounts.a (did you mean "balances"?)"#),
        Mistake("live endpoint", file(accounts: "accounts: { a: { broker: venue, endpoint: 'https://live.example', credentials: { key: k, secret: s } }, p: { broker: paper } }"), "turnstile.yaml:6:16 accounts.a points at a venue where real money moves: write `mode: live` if that is meant, or use the venue's sandbox endpoint"),
        Mistake("live endpoint called sandbox", file(accounts: "accounts: { a: { broker: venue, mode: sandbox, endpoint: 'https://live.example', credentials: { key: k, secret: s } }, p: { broker: paper } }"), "turnstile.yaml:6:39 accounts.a points at a venue where real money moves: write `mode: live` if that is meant, or use the venue's sandbox endpoint"),
        Mistake("live paper", file(accounts: "accounts: { a: { broker: paper, mode: live }, p: { broker: paper } }"), "turnstile.yaml:6:39 accounts.a.mode: broker paper trades on paper only"),
        Mistake("venue on paper", file(accounts: "accounts: { a: { broker: venue, mode: paper, credentials: { key: k, secret: s } }, p: { broker: paper } }"), "turnstile.yaml:6:39 accounts.a.mode: broker venue sends real requests, so it is sandbox or live; for paper use a paper broker"),
    ])
    func `a mistake is named with its place`(_ mistake: Mistake) {
        let found = problems(mistake.text)
        if mistake.name == "duration out of range" {
            #expect(found.contains("turnstile.yaml:8:25 gateway.send_window must be between 100ms and 30s, not 31s"))
        } else {
            #expect(found == mistake.problems)
        }
    }

    private static func strategy(
        source: String = "tv", symbols: String = "{ BTCUSD: { a: X, p: X } }", accounts: String = "{ a: {}, p: {} }", policy: String = "{}"
    ) -> String {
        file(strategies: "strategies:\n  trend:\n    source: \(source)\n    symbols: \(symbols)\n    accounts: \(accounts)\n    policy: \(policy)")
    }

    @Test(arguments: [
        Mistake("source unknown", strategy(source: "tw"), #"turnstile.yaml:9:13 unknown source "tw" (did you mean "tv"?)"#),
        Mistake("account unknown", strategy(symbols: "{ BTCUSD: { a: X, p: X, q1: X } }", accounts: "{ a: {}, p: {}, q1: {} }"), #"turnstile.yaml:10:38 unknown account "q1" (known: a, p)"#, #"turnstile.yaml:11:31 unknown account "q1" (known: a, p)"#),
        Mistake("mapping missing", strategy(symbols: "{ BTCUSD: { a: X } }"), #"turnstile.yaml:10:16 strategies.trend.symbols.BTCUSD has no symbol for account "p""#),
        Mistake("mapping for another account", strategy(accounts: "{ a: {} }"), #"turnstile.yaml:10:32 account "p" is not among strategies.trend.accounts"#),
        Mistake("no accounts", strategy(symbols: "{ BTCUSD: {} }", accounts: "{}"), "turnstile.yaml:11:5 strategies.trend.accounts must name at least one account"),
        Mistake("no symbols", strategy(symbols: "{}"), "turnstile.yaml:10:5 strategies.trend.symbols must name at least one symbol"),
        Mistake("quantity misspelt", strategy(accounts: "{ a: { quantiy: 1 }, p: {} }"), #"turnstile.yaml:11:22 unknown key "quantiy" in strategies.trend.accounts.a (did you mean "quantity"?)"#),
        Mistake("two sizings", strategy(accounts: "{ a: { multiply: 1, quantity: 1 }, p: {} }"), "turnstile.yaml:11:35 strategies.trend.accounts.a has both multiply and quantity: choose one"),
        Mistake("size of zero", strategy(accounts: "{ a: { multiply: 0 }, p: {} }"), "turnstile.yaml:11:32 strategies.trend.accounts.a.multiply must be greater than zero"),
        Mistake("size not a number", strategy(accounts: "{ a: { quantity: 1o }, p: {} }"), "turnstile.yaml:11:32 strategies.trend.accounts.a.quantity: '1o' is not a decimal number"),
        Mistake("two sizes in money", strategy(accounts: "{ a: { quote_amount: 1, percent_of_equity: 1 }, p: {} }"), "turnstile.yaml:11:39 strategies.trend.accounts.a has both quote_amount and percent_of_equity: choose one"),
        Mistake("more than all", strategy(accounts: "{ a: { percent_of_equity: 101 }, p: {} }"), "turnstile.yaml:11:41 strategies.trend.accounts.a.percent_of_equity must be at most 100"),
        Mistake("intent unknown", strategy(policy: "{}\n    intent: targt"), #"turnstile.yaml:13:13 strategies.trend.intent must be one of delta, target, not "targt" (did you mean "target"?)"#),
        Mistake("protection misspelt", strategy(policy: "{}\n    protection: { stop_in: 3s }"), #"turnstile.yaml:13:19 unknown key "stop_in" in strategies.trend.protection (known: mode, on_failure, stop_limit_offset, stop_within)"#),
        Mistake("protection too slow", strategy(policy: "{}\n    protection: { stop_within: 6m }"), "turnstile.yaml:13:32 strategies.trend.protection.stop_within must be between 1s and 5m, not 6m"),
        Mistake("failure unknown", strategy(policy: "{}\n    protection: { on_failure: flaten }"), #"turnstile.yaml:13:31 strategies.trend.protection.on_failure must be one of flatten, alert, not "flaten" (did you mean "flatten"?)"#),
        Mistake("boolean", strategy(policy: "{ long_only: yes }"), #"turnstile.yaml:12:26 strategies.trend.policy.long_only must be true or false, not "yes""#),
        Mistake("guard unknown", strategy(policy: "{ observe: [cooldwn] }"), #"turnstile.yaml:12:25 unknown guard "cooldwn" (did you mean "cooldown"?)"#),
        Mistake("scope unknown", strategy(policy: "{ cooldown_scope: strategi }"), #"turnstile.yaml:12:31 strategies.trend.policy.cooldown_scope must be one of strategy_account, strategy, not "strategi" (did you mean "strategy"?)"#),
        Mistake("pyramiding alone", strategy(policy: "{ pyramiding: skip }"), "turnstile.yaml:12:15 strategies.trend.policy.pyramiding: skip needs `long_only: true`"),
    ])
    func `a mistake in a strategy is named with its place`(_ mistake: Mistake) {
        #expect(problems(mistake.text) == mistake.problems)
    }

    @Test func `all problems come at once, in the order of the file`() {
        let found = problems(
            """
            version: 1
            http: { prot: 80 }
            store: { type: sqlite }
            locks: { type: redis }
            sources:
              tv: { secret: env:MISSING, max_age: soon }
            accounts:
              a: { broker: venue, credentials: { key: env:KEY } }
            strategies:
              trend: { source: tw, symbols: { BTCUSD: {} }, accounts: { b: { multiply: -1 } } }
            """)
        #expect(found.map { $0.split(separator: " ")[0] } == [
            "turnstile.yaml:2:9", "turnstile.yaml:3:8", "turnstile.yaml:4:16", "turnstile.yaml:6:17", "turnstile.yaml:6:39", "turnstile.yaml:8:36",
            "turnstile.yaml:10:20", "turnstile.yaml:10:35", "turnstile.yaml:10:61", "turnstile.yaml:10:76",
        ])
        #expect(found.first == #"turnstile.yaml:2:9 unknown key "prot" in http (did you mean "port"?)"#)
    }

    @Test func `no problem's text shows a secret`() {
        let found = problems(file(http: "http: { tokens: { reader: env:READ }, port: x }", sources: "sources: { tv: { secret: planted-1, signing_key: planted-2 } }"))
        #expect(found.count == 2)
        #expect(!found.joined().contains("planted"))
    }
}
