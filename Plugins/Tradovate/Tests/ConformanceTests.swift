import BrokerContract
import ConformanceKit
import Foundation
import Testing
import TradingModel
import Tradovate
import TradovateSimulator

@Suite struct TradovateConformance {
    @Test(arguments: BrokerConformance.clauses)
    func `keeps the contract`(_ clause: BrokerClause) async throws {
        let result = await clause.check(try TradovateConformanceVenue(makeBroker: Self.broker))
        #expect(!result.isFailure, "\(clause.id): \(clause.title): \(result)")
    }

    @Sendable static func broker(_ wiring: BrokerWiring) throws -> any Broker {
        var configuration = TradovateConfiguration(
            rest: URL(string: "http://127.0.0.1:\(wiring.restPort)/v1"), webSocket: URL(string: "ws://127.0.0.1:\(wiring.streamPort)/v1/websocket"),
            credentials: .init(
                username: Secret(TradovateConformanceVenue.username), password: Secret(TradovateConformanceVenue.password)),
            requestTimeout: wiring.requestTimeout)
        if let limit = wiring.streamSilenceLimit { configuration.streamSilenceLimit = limit }
        return try TradovatePlugin.makeBroker(configuration, context: wiring.context)
    }
}
