import Foundation
import Gateway
import GatewayConfiguration
import OrderFlow
import StoreContract
import Testing
import TradingModel

@Suite struct ConfigurationTests {
    @Test func `the fixed interface of version 1 is read`() throws {
        let file = try read(
            """
            version: 1
            http: { host: 127.0.0.1, port: 8080, tokens: { reader: env:READ } }
            store: { type: sqlite, path: var/turnstile.db }
            locks: { type: sqlite, ttl: 30s }
            sources:
              tv: { format: native, secret: env:TV, dedupe: { window: 5m }, rate_limit: { requests: 2, per: 3s, on_limit: reject }, max_age: 60s }
            accounts:
              spot1:
                broker: venue
                endpoint: https://sandbox.example
                credentials: { key: env:KEY, secret: env:SECRET }
              paper1: { broker: paper, balances: { USDT: "100000" } }
            strategies:
              trend:
                source: tv
                symbols: { BTCUSD: { spot1: BTCUSDT, paper1: BTC-USDT } }
                accounts: { spot1: { multiply: 1 }, paper1: { quantity: "0.010" } }
                policy: { cooldown: 90s, long_only: true, pyramiding: skip, on_busy: skip, cooldown_scope: strategy, observe: [cooldown] }
            """)
        #expect(file.http.host == "127.0.0.1")
        #expect(file.http.port == 8080)
        #expect(file.http.tokens["reader"]?.matches("read-token-1") == true)
        #expect(file.store.type == "sqlite")
        #expect(file.locks.ttl == .seconds(30))
        let source = try #require(file.gateway.sources.first)
        #expect(source.id == "tv")
        #expect(source.secrets.first?.matches("hook-secret-1") == true)
        #expect(source.rateLimit == SourceSettings.RateLimit(requests: 2, per: .seconds(3), onLimit: .reject))
        #expect(source.dedupeWindow == .seconds(300))
        #expect(file.gateway.accounts.map(\.id) == ["spot1", "paper1"])
        #expect(file.gateway.accounts.map(\.mode) == [.sandbox, .paper])
        let strategy = try #require(file.gateway.strategies.first)
        #expect(strategy.symbols["BTCUSD"] == ["spot1": "BTCUSDT", "paper1": "BTC-USDT"])
        #expect(strategy.accounts.map(\.sizing) == [.multiply(1), .fixed(try Quantity("0.01"))])
        #expect(
            strategy.policy
                == OrderPolicy(
                    cooldown: .seconds(90), cooldownScope: .strategy, longOnly: true, pyramiding: .skip, onBusy: .skip, observed: ["cooldown"]))
    }

    @Test func `sizes in money, targets and protection are read`() throws {
        let strategy = try #require(
            try read(
                file(
                    strategies: """
                        strategies:
                          trend:
                            source: tv
                            symbols: { BTCUSD: { a: X, p: X } }
                            accounts: { a: { quote_amount: "500" }, p: { percent_of_equity: 2.5 } }
                            intent: target
                            protection: { mode: managed, stop_within: 5s, on_failure: alert, stop_limit_offset: 0.5 }
                        """)
            ).gateway.strategies.first)
        #expect(strategy.accounts.map(\.sizing) == [.quote(500), .equityPercent(try Quantity("2.5"))])
        #expect(strategy.intent == .target)
        #expect(
            strategy.protection
                == .init(mode: .managed, policy: ProtectionPolicy(stopWithin: .seconds(5), onFailure: .alert, limitOffset: try Quantity("0.5"))))
        let plain = try #require(try read(file(more: "")).gateway.strategies.first)
        #expect(plain.intent == .delta && plain.protection == nil)
    }

    @Test func `what is left out has its default`() throws {
        let file = try read(file(http: ""))
        #expect(file.http.host == "127.0.0.1")
        #expect(file.http.port == 8080)
        #expect(file.http.tokens.isEmpty)
        #expect(file.gateway.sendWindow == .seconds(5))
        #expect(file.gateway.lockDelay == .seconds(2))
        #expect(file.gateway.pauseMargin == .seconds(30))
        #expect(file.gateway.sources.first?.rateLimit == SourceSettings.RateLimit())
        #expect(file.gateway.strategies.first?.policy == OrderPolicy())
        #expect(file.stateDirectory == "var")
    }

    @Test func `secrets rotate, come from files, and a limit can be lifted`() throws {
        let key = "whsec_" + Data(repeating: 7, count: 32).base64EncodedString()
        let file = try read(
            file(sources: "sources: { tv: { secret: [env:TV, 'file:/run/secrets/tv'], signing_key: \(key), allow: tradingview, rate_limit: none } }"))
        let source = try #require(file.gateway.sources.first)
        #expect(source.secrets.map { $0.reveal() } == ["hook-secret-1", "file-secret-1"])
        #expect(source.signingKeys.count == 1)
        #expect(source.allow == AddressRange.tradingView)
        #expect(source.rateLimit == nil)
    }

    @Test func `a live venue is taken when the file says so`() throws {
        let live = "accounts: { a: { broker: venue, mode: live, endpoint: 'https://live.example', credentials: { key: env:KEY, secret: env:SECRET } }, p: { broker: paper } }"
        #expect(try read(file(accounts: live)).gateway.accounts.first?.mode == .live)
    }

    @Test func `no secret shows in a dump of the result`() throws {
        let file = try read(file())
        var dumped = "\(file)"
        dump(file, to: &dumped)
        for planted in ["hook-secret-1", "venue-key-1", "venue-secret-1", "read-token-1"] { #expect(!dumped.contains(planted)) }
    }

    @Test func `the hash follows the meaning and leaves out secrets`() throws {
        let hash = try read(file()).gateway.configurationHash
        #expect(hash.count == 64)
        let laidOut = file(sources: "# the only source\nsources:\n  tv:\n    secret:   'file:/run/secrets/tv'")
        #expect(try read(laidOut).gateway.configurationHash == hash)
        let reordered = file(version: "", more: "version: 1")
        #expect(try read(reordered).gateway.configurationHash == hash)
        let other = file(locks: "locks: { type: sqlite, ttl: 31s }")
        #expect(try read(other).gateway.configurationHash != hash)
        let swapped = file(
            strategies: "strategies: { trend: { source: tv, symbols: { BTCUSD: { a: BTCUSDT, p: BTCUSDT } }, accounts: { p: {}, a: {} } } }")
        #expect(try read(swapped).gateway.configurationHash != hash)
    }

    @Test func `gateways of one cluster have one hash wherever they run`() throws {
        func hash(
            http: String = "http: { host: 10.0.0.7, port: 9090, tls: { certificate: a.pem, key: a.key }, tokens: { reader: env:READ }, coarse_limit_per_second: 9 }",
            store: String = "store: { type: sqlite, path: t.db }", locks: String = "locks: { type: sqlite, ttl: 30s }",
            sources: String = "sources: { tv: { secret: env:TV } }", gateway: String = "gateway: { id: gw-a, lock_delay: 3s }"
        ) throws -> String {
            try read(file(http: http, store: store, locks: locks, sources: sources, more: gateway)).gateway.configurationHash
        }
        let first = try hash()
        #expect(try hash(http: "http: { coarse_limit_per_second: 9 }") == first)
        #expect(try hash(http: "http: { host: '::1', port: 1, coarse_limit_per_second: 9, tokens: { admin: env:READ } }") == first)
        #expect(try hash(store: "store: { type: sqlite, path: /srv/elsewhere.db }") == first)
        #expect(try hash(gateway: "gateway: { state_directory: /srv/b, lock_delay: 3s, id: gw-b }") == first)
        #expect(try hash(sources: "sources: { tv: { secret: 'file:/run/secrets/tv' } }") == first)
        // A section that says nothing else counts as absent.
        let bare = try hash(http: "http: { port: 1 }", gateway: "")
        #expect(try hash(http: "", gateway: "gateway: { id: gw-b }") == bare)
        // What decides about orders counts: a longer delay, a limit, another life of leases.
        #expect(try hash(gateway: "gateway: { id: gw-a, lock_delay: 4s }") != first)
        #expect(try hash(http: "http: { coarse_limit_per_second: 8 }") != first)
        #expect(try hash(locks: "locks: { type: sqlite, ttl: 29s }") != first)
        #expect(try hash(sources: "sources: { tv: { secret: env:TV, max_age: 61s } }") != first)
    }
}
