import BinanceStyleSimulator
import Foundation
import Testing

/// The simulator is only worth something if clients that we did not write take it for the venue.
@Suite struct ThirdPartyClientTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardizedFileURL

    /// Where an interpreter is stated, as the test command does, its absence is a failure and no reason to skip.
    static let isStated = ProcessInfo.processInfo.environment["TURNSTILE_PYTHON"] != nil

    /// The interpreter that has the packages of `Tests/ThirdParty/requirements.txt`; nil where nobody made one.
    static let python: String? = {
        let stated = ProcessInfo.processInfo.environment["TURNSTILE_PYTHON"]
        let path = stated ?? root.appending(path: ".venv/bin/python").path()
        guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
        let probe = try? run(path, ["-c", "import binance, ccxt.pro"])
        return probe?.status == 0 ? path : nil
    }()

    /// The folder of binance-connector, whose package has the name of another one's.
    static let connector: String? = {
        guard let python else { return nil }
        let path = URL(filePath: python).deletingLastPathComponent().appending(path: "../binance-connector").standardizedFileURL.path()
        let probe = try? run(python, ["-c", "import binance.spot"], path: path)
        return probe?.status == 0 ? path : nil
    }()

    @Test(.enabled(if: isStated || connector != nil, "needs a Python with Tests/ThirdParty/requirements-binance-connector.txt"))
    func `binance-connector trades on the simulator unmodified`() async throws {
        let (python, connector) = try (#require(Self.python), #require(Self.connector))
        let keys: [String: BinanceKey] = ["third-party-key": .hmac(secret: "third-party-secret")]
        let (status, output) = try await BinanceSimulator.withServer(.init(keys: keys, acceptsUnknownKeys: false)) { _, address in
            try await BinanceSimulator.withServer(.init(keys: keys, acceptsUnknownKeys: false, dialect: .binanceUS)) { _, us in
                let script = Self.root.appending(path: "Tests/ThirdParty/binance_connector.py").path()
                let arguments = [
                    script, "--rest", address.rest, "--ws", address.webSocket, "--us-rest", us.rest, "--us-ws", "ws://\(us.host):\(us.port)",
                ]
                return try await withCheckedThrowingContinuation { continuation in
                    Thread.detachNewThread { continuation.resume(with: Result { try Self.run(python, arguments, path: connector) }) }
                }
            }
        }
        print(output)
        #expect(status == 0, "\(output)")
    }

    @Test(.enabled(if: isStated || python != nil, "needs a Python with Tests/ThirdParty/requirements.txt"))
    func `python-binance and ccxt trade on the simulator unmodified`() async throws {
        let python = try #require(Self.python)
        let options = BinanceSimulator.Options(
            keys: ["third-party-key": .hmac(secret: "third-party-secret")], acceptsUnknownKeys: false)
        let (status, output) = try await BinanceSimulator.withServer(options) { _, address in
            let script = Self.root.appending(path: "Tests/ThirdParty/binance_clients.py").path()
            let arguments = [script, "--rest", address.rest, "--ws", address.webSocket]
            return try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread { continuation.resume(with: Result { try Self.run(python, arguments) }) }
            }
        }
        print(output)
        #expect(status == 0, "\(output)")
    }

    /// Blocks until the process has ended.
    ///
    /// - Parameter path: `PYTHONPATH`, which is not inherited.
    static func run(_ executable: String, _ arguments: [String], path: String? = nil) throws -> (status: Int32, output: String) {
        let process = Process()
        var environment = ProcessInfo.processInfo.environment
        environment["PYTHONPATH"] = path
        process.environment = environment
        let pipe = Pipe()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
