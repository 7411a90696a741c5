import CoinbaseSimulator
import Crypto
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
        let probe = try? run(path, ["-c", "import coinbase.rest, coinbase.websocket, ccxt"])
        return probe?.status == 0 ? path : nil
    }()

    @Test(.enabled(if: isStated || python != nil, "needs a Python with Tests/ThirdParty/requirements.txt"))
    func `the official SDK and ccxt trade on the simulator unmodified, over TLS, and the user channel over plain sockets too`() async throws {
        let python = try #require(Self.python)
        let folder = FileManager.default.temporaryDirectory.appending(path: "coinbase-clients-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try TestCertificates(in: folder)
        let secret = folder.appending(path: "secret.pem")
        try Data(TestKeys.sec1.utf8).write(to: secret)
        let options = CoinbaseSimulator.Options(
            tls: .init(certificatePath: files.certificate, keyPath: files.key), plainPort: 0,
            keys: [TestKeys.name: .p256(try P256.Signing.PublicKey(pemRepresentation: TestKeys.publicKey))], acceptsUnknownKeys: false)
        let (status, output) = try await CoinbaseSimulator.withServer(options) { _, address in
            let arguments = [
                Self.root.appending(path: "Tests/ThirdParty/coinbase_clients.py").path(), "--rest", "https://localhost:\(address.port)", "--ws",
                "wss://localhost:\(address.port)", "--plain-ws", "ws://localhost:\(address.plainPort ?? 0)", "--ca", files.authority, "--key", TestKeys.name, "--secret-file", secret.path(),
            ]
            return try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread { continuation.resume(with: Result { try Self.run(python, arguments) }) }
            }
        }
        print(output)
        #expect(status == 0, "\(output)")
    }

    /// Blocks until the process has ended.
    static func run(_ executable: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
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
