import BinanceStyle
import BinanceStyleSimulator
import BrokerContract
import ConformanceKit
import Foundation
import Testing
import TradingModel

@Suite struct BinanceConformance {
    @Test(arguments: BrokerConformance.clauses + ExchangeConformance.clauses)
    func `keeps the contract`(_ clause: BrokerClause) async throws {
        let result = await clause.check(try BinanceVenue(makeBroker: Self.broker))
        #expect(!result.isFailure, "\(clause.id): \(clause.title): \(result)")
    }

    @Sendable static func broker(_ wiring: BrokerWiring) throws -> any Broker {
        var configuration = BinanceStyleConfiguration(
            rest: URL(string: "http://127.0.0.1:\(wiring.restPort)"), webSocket: URL(string: "ws://127.0.0.1:\(wiring.streamPort)/ws-api/v3"),
            apiKey: Secret(BinanceVenue.key), signingKey: .hmac(Secret(BinanceVenue.secret)), requestTimeout: wiring.requestTimeout)
        if let limit = wiring.streamSilenceLimit { configuration.streamSilenceLimit = limit }
        return try BinanceStylePlugin.makeBroker(configuration, context: wiring.context)
    }
}
