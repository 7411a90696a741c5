import BinanceStyle
import BinanceStyleSimulator
import BrokerContract
import Coinbase
import CoinbaseSimulator
import ConformanceKit
import Foundation
import TradingModel
import Tradovate
import TradovateSimulator

/// How `adapter verify` reaches one kind of broker: against its own simulator, in this process.
struct ConformanceSubject: Sendable {
    /// The word after `broker:` in the configuration.
    let id: String
    let clauses: [BrokerClause]
    let makeVenue: @Sendable () throws -> any VenueHarness
}

func allConformanceSubjects() -> [ConformanceSubject] {
    let exchange = BrokerConformance.clauses + ExchangeConformance.clauses
    return [
        ConformanceSubject(id: BinanceStylePlugin.id, clauses: exchange) { try BinanceVenue(makeBroker: makeBinanceBroker) },
        ConformanceSubject(id: BinanceStylePlugin.id + "-usdm", clauses: BrokerConformance.clauses) {
            try BinanceVenue(dialect: .usdm, makeBroker: makeBinanceFuturesBroker)
        },
        ConformanceSubject(id: CoinbasePlugin.id, clauses: exchange) { try CoinbaseVenue(makeBroker: makeCoinbaseBroker) },
        ConformanceSubject(id: TradovatePlugin.id, clauses: BrokerConformance.clauses) {
            try TradovateConformanceVenue(makeBroker: makeTradovateBroker)
        },
        ConformanceSubject(id: "paper", clauses: exchange) { try PaperVenue() },
    ] + newAdapters().map(\.subject)
}

@Sendable private func makeBinanceBroker(_ wiring: BrokerWiring) throws -> any Broker { try makeBinanceBroker(wiring, .standard, "/ws-api/v3") }

@Sendable private func makeBinanceFuturesBroker(_ wiring: BrokerWiring) throws -> any Broker {
    guard let dialect = BinanceDialect.named("usdm_testnet") else { throw ControlFailure("the dialect is not in the table") }
    // Unlike the testnet itself, its simulator takes the key as a parameter or as a path component.
    return try makeBinanceBroker(wiring, dialect, "/private/ws")
}

private func makeBinanceBroker(_ wiring: BrokerWiring, _ dialect: BinanceDialect, _ path: String) throws -> any Broker {
    var configuration = BinanceStyleConfiguration(
        dialect: dialect, rest: URL(string: "http://127.0.0.1:\(wiring.restPort)"),
        webSocket: URL(string: "ws://127.0.0.1:\(wiring.streamPort)\(path)"),
        apiKey: Secret(BinanceVenue.key), signingKey: .hmac(Secret(BinanceVenue.secret)), requestTimeout: wiring.requestTimeout)
    if let limit = wiring.streamSilenceLimit { configuration.streamSilenceLimit = limit }
    return try BinanceStylePlugin.makeBroker(configuration, context: wiring.context)
}

@Sendable private func makeCoinbaseBroker(_ wiring: BrokerWiring) throws -> any Broker {
    var configuration = CoinbaseConfiguration(
        rest: URL(string: "http://127.0.0.1:\(wiring.restPort)"), webSocket: URL(string: "ws://127.0.0.1:\(wiring.streamPort)"),
        keyName: CoinbaseVenue.keyName, privateKey: Secret(CoinbaseVenue.privateKey), requestTimeout: wiring.requestTimeout)
    if let limit = wiring.streamSilenceLimit { configuration.heartbeatTimeout = limit }
    return try CoinbasePlugin.makeBroker(configuration, context: wiring.context)
}

@Sendable private func makeTradovateBroker(_ wiring: BrokerWiring) throws -> any Broker {
    var configuration = TradovateConfiguration(
        rest: URL(string: "http://127.0.0.1:\(wiring.restPort)/v1"), webSocket: URL(string: "ws://127.0.0.1:\(wiring.streamPort)/v1/websocket"),
        credentials: .init(username: Secret(TradovateConformanceVenue.username), password: Secret(TradovateConformanceVenue.password)),
        requestTimeout: wiring.requestTimeout)
    if let limit = wiring.streamSilenceLimit { configuration.streamSilenceLimit = limit }
    return try TradovatePlugin.makeBroker(configuration, context: wiring.context)
}
