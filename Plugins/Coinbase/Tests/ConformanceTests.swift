import BrokerContract
import CoinbaseSimulator
import ConformanceKit
import Foundation
import Testing
import TradingModel

@testable import Coinbase

@Suite struct CoinbaseConformance {
    @Test(arguments: BrokerConformance.clauses + ExchangeConformance.clauses)
    func `keeps the contract`(_ clause: BrokerClause) async throws {
        let result = await clause.check(try CoinbaseVenue(makeBroker: Self.broker))
        #expect(!result.isFailure, "\(clause.id): \(clause.title): \(result)")
    }

    @Sendable static func broker(_ wiring: BrokerWiring) throws -> any Broker {
        var configuration = CoinbaseConfiguration(
            rest: URL(string: "http://127.0.0.1:\(wiring.restPort)"), webSocket: URL(string: "ws://127.0.0.1:\(wiring.streamPort)"),
            keyName: CoinbaseVenue.keyName, privateKey: Secret(CoinbaseVenue.privateKey), requestTimeout: wiring.requestTimeout)
        if let limit = wiring.streamSilenceLimit { configuration.heartbeatTimeout = limit }
        return try CoinbasePlugin.makeBroker(configuration, context: wiring.context)
    }
}
