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
        var venue = try CoinbaseVenue(makeBroker: Self.broker)
        venue.tls = try Self.tls.get()
        let result = await clause.check(venue)
        #expect(!result.isFailure, "\(clause.id): \(clause.title): \(result)")
    }

    /// Made once, for all clauses; the folder is left to the system's care.
    private static let tls = Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "coinbase-conformance-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let files = try TestCertificates(in: folder)
        return WireTLS(
            server: .init(certificatePath: files.certificate, keyPath: files.key), authorityPath: files.authority,
            stranger: .init(certificatePath: files.stranger.certificate, keyPath: files.stranger.key))
    }

    @Sendable static func broker(_ wiring: BrokerWiring) throws -> any Broker {
        // The certificate is for this name.
        let (host, s) = wiring.trustRootsFile == nil ? ("127.0.0.1", "") : ("localhost", "s")
        var configuration = CoinbaseConfiguration(
            rest: URL(string: "http\(s)://\(host):\(wiring.restPort)"), webSocket: URL(string: "ws\(s)://\(host):\(wiring.streamPort)"),
            trustRootsFile: wiring.trustRootsFile, keyName: CoinbaseVenue.keyName, privateKey: Secret(CoinbaseVenue.privateKey), requestTimeout: wiring.requestTimeout)
        if let limit = wiring.streamSilenceLimit { configuration.heartbeatTimeout = limit }
        return try CoinbasePlugin.makeBroker(configuration, context: wiring.context)
    }
}
