import AdapterKit
import BinanceStyle
import BrokerContract
import Coinbase
import Crypto
import Foundation
import Tradovate
import TradingModel

/// What an order costs in each adapter, without the network: check, encode, sign, parse the reply. Beside ccxt, unmodified, doing the
/// same in the same run: its `create_order`, with a `fetch` that answers at once.
struct AdapterCosts {
    /// Of one order each; the median counts.
    static let samples = 20_000
    static let warmUp = 2_000

    /// Keys made for this run.
    private struct Keys: Encodable {
        let hmac = "bench-" + UUID().uuidString
        let ed25519PEM: String
        let ed25519Seed: String
        let es256PEM: String

        init() {
            let ed25519 = Curve25519.Signing.PrivateKey()
            let header: [UInt8] = [0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]
            let base64 = (Data(header) + ed25519.rawRepresentation).base64EncodedString()
            ed25519PEM = "-----BEGIN PRIVATE KEY-----\n\(base64)\n-----END PRIVATE KEY-----\n"
            ed25519Seed = (ed25519.rawRepresentation + ed25519.publicKey.rawRepresentation).base64EncodedString()
            es256PEM = Self.sec1(P256.Signing.PrivateKey())
        }

        /// As the venue hands its keys out: `EC PRIVATE KEY`. Source: RFC 5915, section 3.
        private static func sec1(_ key: P256.Signing.PrivateKey) -> String {
            let head: [UInt8] = [0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20]
            let curve: [UInt8] = [0xA0, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0xA1, 0x44, 0x03, 0x42, 0x00]
            let der = Data(head) + key.rawRepresentation + Data(curve) + key.publicKey.x963Representation
            return "-----BEGIN EC PRIVATE KEY-----\n\(der.base64EncodedString(options: .lineLength64Characters))\n-----END EC PRIVATE KEY-----\n"
        }
    }

    private struct CcxtFigure: Decodable {
        let name: String
        let microseconds: Double?
        let note: String?
    }

    func measure(python: String, script: String) throws -> [Measurements.Line] {
        let keys = Keys()
        var lines: [Measurements.Line] = []
        let ours = try figures(keys)
        let theirs = try ccxt(python: python, script: script, keys: keys)
        for (name, microseconds) in ours {
            let other = theirs.first { $0.name == name }
            guard let reference = other?.microseconds else {
                lines.append(("one order in the adapter, \(name)", "\(text(microseconds)) µs", other?.note.map { "ccxt: \($0)" } ?? ""))
                continue
            }
            let share = microseconds / reference
            let verdict = share <= 0.1 ? "≤ 0.1 of ccxt" : "≤ 0.1 of ccxt: **missed**"
            lines.append(("one order in the adapter, \(name)", "\(text(microseconds)) µs; ccxt \(text(reference)) µs; \(String(format: "%.3f", share))", verdict))
        }
        return lines
    }

    private func text(_ microseconds: Double) -> String { String(format: "%.1f", microseconds) }

    // MARK: Ours

    private func figures(_ keys: Keys) throws -> [(String, Double)] {
        let step = { (places: Int) in Decimal(sign: .plus, exponent: -places, significand: 1) }
        let instrument = { (symbol: Symbol, quote: Asset) in
            Instrument(symbol: symbol, base: "BTC", quote: quote, tickSize: Price(step(2)), lotSize: Quantity(step(5)), orderTypes: [.market, .limit])
        }
        let binance = VenueReply(status: 200, body: Array(BenchReplies.binance.utf8))
        let coinbase = VenueReply(status: 200, body: Array(BenchReplies.coinbase.utf8))
        let tradovate = VenueReply(status: 200, body: Array(BenchReplies.tradovate.utf8))
        let hmac = try BinanceOfflineOrder(
            BinanceStyleConfiguration(apiKey: Secret("key"), signingKey: .hmac(Secret(keys.hmac))), instrument: instrument("BTCUSDT", "USDT"))
        let ed25519 = try BinanceOfflineOrder(
            BinanceStyleConfiguration(apiKey: Secret("key"), signingKey: .ed25519(Secret(keys.ed25519PEM))), instrument: instrument("BTCUSDT", "USDT"))
        let es256 = try CoinbaseOfflineOrder(
            CoinbaseConfiguration(keyName: BenchReplies.keyName, privateKey: Secret(keys.es256PEM)), instrument: instrument("BTC-USD", "USD"))
        let edDSA = try CoinbaseOfflineOrder(
            CoinbaseConfiguration(keyName: BenchReplies.keyName, privateKey: Secret(keys.ed25519Seed)), instrument: instrument("BTC-USD", "USD"))
        let futures = try TradovateOfflineOrder(
            contract: #"{"id":1,"name":"MNQZ6","contractMaturityId":2}"#, maturity: #"{"id":2,"productId":3,"expirationDate":"2026-12-18T14:30:00.000Z"}"#,
            product: #"{"id":3,"name":"MNQ","status":"Verified","currencyId":1,"tickSize":0.25,"valuePerPoint":2}"#,
            account: #"{"id":4,"name":"DEMO1"}"#, token: String(repeating: "t", count: 400))
        let limit = { (symbol: Symbol, id: String, quantity: String, price: String, time: TimeInForce) in
            try NewOrder(
                clientOrderID: ClientOrderID(id), symbol: symbol, side: .buy, type: .limit, quantity: try Quantity(quantity),
                limitPrice: try Price(price), timeInForce: time)
        }
        let bitcoin = try limit("BTCUSDT", BenchReplies.token, "0.02", "50000.25", .gtc)
        let coin = try limit("BTC-USD", BenchReplies.uuid, "0.02", "50000.25", .gtc)
        let contract = try limit("MNQZ6", BenchReplies.token, "2", "19000.25", .day)
        return [
            ("Binance, HMAC", try median { try accept(hmac.placed(bitcoin, at: $0, reply: binance).1) }),
            ("Binance, Ed25519", try median { try accept(ed25519.placed(bitcoin, at: $0, reply: binance).1) }),
            ("Coinbase, ES256", try median { try require(es256.placed(coin, at: $0, reply: coinbase).1 != nil) }),
            ("Coinbase, Ed25519", try median { try require(edDSA.placed(coin, at: $0, reply: coinbase).1 != nil) }),
            ("Tradovate, no signature", try median { try accept(futures.placed(contract, at: $0, reply: tradovate).1) }),
        ]
    }

    /// A figure of something that failed would say nothing.
    private func accept(_ outcome: PlaceOutcome) throws {
        guard case .accepted = outcome else { throw BenchError("the adapter did not take its reply: \(outcome)") }
    }

    private func require(_ condition: Bool) throws {
        guard condition else { throw BenchError("the adapter did not take its reply") }
    }

    /// In microseconds.
    private func median(_ work: (Timestamp) throws -> Void) throws -> Double {
        let clock = SuspendingClock()
        for _ in 0..<Self.warmUp { try work(SystemClock().wallTime) }
        var times: [Duration] = []
        times.reserveCapacity(Self.samples)
        for _ in 0..<Self.samples {
            let now = SystemClock().wallTime
            let start = clock.now
            try work(now)
            times.append(clock.now - start)
        }
        times.sort()
        return Double(times[times.count / 2].components.attoseconds) / 1e12
    }

    // MARK: Theirs

    private func ccxt(python: String, script: String, keys: Keys) throws -> [CcxtFigure] {
        struct Input: Encodable {
            let keys: Keys
            let keyName = BenchReplies.keyName
            let token = BenchReplies.token
            let uuid = BenchReplies.uuid
            let binance = BenchReplies.binance
            let coinbase = BenchReplies.coinbase
        }
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = [script]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        // Shorter than a pipe's buffer, so that the write ends before anything is read.
        try input.fileHandleForWriting.write(contentsOf: JSONEncoder().encode(Input(keys: keys)))
        try input.fileHandleForWriting.close()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BenchError("\(script) ended with \(process.terminationStatus)") }
        return try JSONDecoder().decode([CcxtFigure].self, from: data)
    }
}
