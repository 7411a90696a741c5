import BinanceStyleSimulator
import BrokerContract
import ConformanceKit
import Foundation
import Testing
import TradingModel

@testable import BinanceStyle

@Suite struct BinanceConformance {
    @Test(arguments: BrokerConformance.clauses + ExchangeConformance.clauses)
    func `keeps the contract`(_ clause: BrokerClause) async throws {
        let result = await clause.check(try BinanceVenue(makeBroker: Self.broker))
        #expect(!result.isFailure, "\(clause.id): \(clause.title): \(result)")
    }

    @Sendable static func broker(_ wiring: BrokerWiring) throws -> any Broker { try broker(wiring, .standard, "/ws-api/v3") }

    static func broker(_ wiring: BrokerWiring, _ dialect: BinanceDialect, _ path: String) throws -> any Broker {
        var configuration = BinanceStyleConfiguration(
            dialect: dialect, rest: URL(string: "http://127.0.0.1:\(wiring.restPort)"), webSocket: URL(string: "ws://127.0.0.1:\(wiring.streamPort)\(path)"),
            apiKey: Secret(BinanceVenue.key), signingKey: .hmac(Secret(BinanceVenue.secret)), requestTimeout: wiring.requestTimeout)
        if let limit = wiring.streamSilenceLimit { configuration.streamSilenceLimit = limit }
        return try BinanceStylePlugin.makeBroker(configuration, context: wiring.context)
    }
}

/// The futures dialect is a venue of its own to the suite. It has no clauses of the exchange contract: a position is not a balance.
@Suite struct BinanceFuturesConformance {
    @Test(arguments: BrokerConformance.clauses)
    func `keeps the contract`(_ clause: BrokerClause) async throws {
        let dialect = try #require(BinanceDialect.named("usdm_testnet"))
        let result = await clause.check(
            try BinanceVenue(dialect: .usdm) { wiring in try BinanceConformance.broker(wiring, dialect, "/private/ws") })
        #expect(!result.isFailure, "\(clause.id): \(clause.title): \(result)")
    }
}
