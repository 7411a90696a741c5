import Foundation
import NIOHTTP1
import Synchronization
import TradingModel

/// A real `etcd` with one member on free ports, with a folder of its own.
public final class EtcdUnderTest: Sendable {
    public let port: Int
    private let peerPort: Int
    public let folder: String
    public let place: ServerPlace
    private let process = Mutex<ServerProcess?>(nil)

    private init(port: Int, peerPort: Int, folder: String, place: ServerPlace) {
        self.place = place
        self.port = port
        self.peerPort = peerPort
        self.folder = folder
    }

    public static var isInstalled: Bool { ServerProcess.find("etcd") != nil }

    public static func start(at place: ServerPlace = .loopback) async throws -> EtcdUnderTest {
        for _ in 0..<5 {
            let server = EtcdUnderTest(port: try await freeServerPort(), peerPort: try await freeServerPort(), folder: try makeServerFolder("etcd"),
                place: place)
            // Somebody else may have taken a port in between; then it is another one.
            do {
                try await server.start()
                return server
            } catch let failure as ControlFailure {
                guard server.log.contains("address already in use") else { throw failure }
                await server.remove()
            }
        }
        throw ControlFailure("no free ports for etcd")
    }

    public var log: String { process.withLock { $0?.log ?? "" } }

    /// Starts it with what its folder holds, and waits until it answers.
    public func start() async throws {
        guard let program = ServerProcess.find("etcd") else { throw ControlFailure("etcd is not installed: scripts/setup --tests") }
        let (client, peer) = ("http://\(place.host):\(port)", "http://127.0.0.1:\(peerPort)")
        let arguments = [
            "--name", "one", "--data-dir", folder + "/data", "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "one=\(peer)", "--logger", "zap",
        ]
        let command = place.command(program, arguments)
        let process = try ServerProcess(command.executable, command.arguments, folder: folder)
        self.process.withLock { $0 = process }
        try await eventually("etcd answers") {
            guard process.isRunning else { throw ControlFailure("etcd ended: \(process.log.suffix(1000))") }
            // It answers this only once it has a leader.
            return (try? await ControlClient(host: self.place.host, port: self.port).send(.POST, "/v3/kv/range", body: #"{"key":"YQ=="}"#)) != nil
        }
    }

    /// SIGKILL.
    public func stop() async throws {
        let process = process.withLock { $0 }
        try await process?.end()
    }

    /// Starts it anew without its data.
    public func wipe() async throws {
        try await stop()
        try FileManager.default.removeItem(atPath: folder + "/data")
        try await start()
    }

    /// Ends it and removes its folder.
    public func remove() async {
        try? await stop()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
