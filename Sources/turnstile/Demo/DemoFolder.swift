import Foundation
import Logging
import TradingModel

#if canImport(Glibc)
    import Glibc
#endif

/// Values that the demo makes up, new each time.
struct DemoSecrets: Sendable {
    let hook = Self.random()
    let reader = Self.random()

    private static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in String(generator.next(), radix: 36) }.joined()
    }
}

/// A temporary folder with the demo's configuration, store and log. Nobody else may look into it.
struct DemoFolder: Sendable {
    let path: String
    var log: String { path + "/gateway.log" }

    init() throws {
        var template = Array((NSTemporaryDirectory() + "turnstile-demo-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw StartError("no temporary folder can be made in \(NSTemporaryDirectory())") }
        path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func makeLogger(clock: any TradingClock) throws -> Logger {
        let descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StartError("\(log) cannot be written") }
        let output = LogOutput(descriptor: descriptor)
        return Logger(label: "turnstile") { JSONLogHandler(label: $0, level: .info, clock: clock, output: output) }
    }

    /// Writes the configuration and tells its path.
    func writeConfiguration(venue: SimulatorAddress, secrets: DemoSecrets, port: Int) throws -> String {
        let text = """
            version: 1
            http: { host: 127.0.0.1, port: \(port), tokens: { reader: \(secrets.reader) } }
            store: { type: sqlite, path: '\(path)/turnstile.db' }
            locks: { type: memory, ttl: 30s }
            gateway: { id: demo, state_directory: '\(path)' }
            sources:
              tv: { format: native, secret: \(secrets.hook), rate_limit: none, max_age: 60s }
            accounts:
              spot1:
                broker: binance
                endpoint: { rest: '\(venue.rest)', websocket: '\(venue.webSocket)' }
                credentials: { key: demo-key, secret: demo-secret }
            strategies:
              trend:
                source: tv
                symbols: { BTCUSD: { spot1: BTCUSDT }, ETHUSD: { spot1: ETHUSDT } }
                accounts: { spot1: { multiply: 1 } }
                policy: { long_only: true }

            """
        let file = path + "/turnstile.yaml"
        guard FileManager.default.createFile(atPath: file, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]) else {
            throw StartError("\(file) cannot be written")
        }
        return file
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
