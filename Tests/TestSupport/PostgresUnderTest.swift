import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A real Postgres server with a cluster of its own in a temporary folder, on a free port and with a socket there. `fsync` is on.
///
/// It ends with ``stop()``, and in any case with this process: it reads from a pipe that we hold, and whose end it notices.
public final class PostgresUnderTest: Sendable {
    public let folder: TemporaryFolder
    public let port: Int
    private let settings: [String]
    private let running = Mutex<Running?>(nil)

    /// `@unchecked Sendable`: of the pipe only the writing end is closed, once, by whoever took this out.
    private struct Running: @unchecked Sendable {
        let process: ProcessUnderTest
        let life: Pipe
    }

    /// A URI for the superuser of the cluster. `port` may be a proxy's.
    public func url(port: Int? = nil, parameters: String = "") -> String {
        "postgresql://postgres@127.0.0.1:\(port ?? self.port)/postgres\(parameters)"
    }

    // MARK: One for all

    private static let shared = SharedServer()

    /// The server that the tests of one process share; started with the first call.
    public static func common() async throws -> PostgresUnderTest { try await shared.server() }

    /// A server of one's own, to stop and to spoil.
    public static func with(settings: [String] = [], _ body: (PostgresUnderTest) async throws -> Void) async throws {
        let server = try await PostgresUnderTest.make(settings: settings)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(server)) } catch { outcome = .failure(error) }
        try? await server.stop()
        server.folder.remove()
        try outcome.get()
    }

    // MARK: Life

    static func make(settings: [String]) async throws -> PostgresUnderTest {
        let server = try PostgresUnderTest(folder: TemporaryFolder(), port: freePort(), settings: settings)
        do {
            try await server.initialize()
            try await server.start()
        } catch {
            server.folder.remove()
            throw error
        }
        return server
    }

    private init(folder: TemporaryFolder, port: Int, settings: [String]) {
        self.folder = folder
        self.port = port
        self.settings = settings
    }

    public var data: String { folder.file("data") }

    /// The server's own process, while it runs.
    var pid: Int32? {
        (try? String(contentsOfFile: data + "/postmaster.pid", encoding: .utf8))?.split(separator: "\n").first.flatMap { Int32($0) }
    }

    private func initialize() async throws {
        // The server refuses to run as root; then it runs as the user that its package made.
        if getuid() == 0 {
            guard let user = getpwnam("postgres") else { throw TimedOut(description: "there is no user postgres; run scripts/setup --tests") }
            guard chown(folder.path, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else { throw TimedOut(description: "chown \(folder.path)") }
        }
        let process = try ProcessUnderTest(
            "/bin/sh", ["-c", "exec \"$@\"", "_"] + Self.asUser([
                try Self.programs() + "/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync",
            ]), folder: folder.path)
        try await waitUntil("initdb ends", within: .seconds(120)) { !process.isRunning }
        guard process.exitCode == 0 else { throw TimedOut(description: "initdb: \(process.text)") }
    }

    public func start() async throws {
        let life = Pipe()
        let options = ["fsync=on", "listen_addresses=127.0.0.1", "unix_socket_directories=\(folder.path)", "max_connections=100", "shared_buffers=32MB", "max_wal_size=128MB"] + settings
        let server = Self.asUser(
            [try Self.programs() + "/postgres", "-D", data, "-p", "\(port)"] + options.flatMap { ["-c", $0] })
        let process = try ProcessUnderTest(
            "/bin/sh", ["-c", "\"$@\" < /dev/null & child=$!; read line; kill -INT $child; wait $child", "_"] + server, folder: folder.path, input: life)
        let now = Running(process: process, life: life)
        running.withLock { $0 = now }
        try await waitUntil("Postgres is ready: \(process.text.suffix(2000))", within: .seconds(120)) {
            guard process.isRunning else { throw TimedOut(description: "Postgres ended: \(process.text.suffix(2000))") }
            return process.text.contains("database system is ready to accept")
        }
    }

    /// Ends it in an orderly way; connections are cut.
    public func stop() async throws {
        let taken = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let process = taken?.process else { return }
        try taken?.life.fileHandleForWriting.close()
        try await waitUntil("Postgres ends: \(process.text.suffix(2000))", within: .seconds(60)) { !process.isRunning }
    }

    /// Ends it as a crash would: SIGQUIT lets every process leave at once, and the next start recovers from the log.
    public func crash() async throws {
        if let pid { kill(pid, SIGQUIT) }
        try await stop()
    }

    /// Lets the server speak TLS with a certificate of its own for this name. Returns the certificate's file.
    public func makeCertificate(for name: String) async throws -> String {
        let process = try ProcessUnderTest(
            "/bin/sh", ["-c", "umask 077; exec \"$@\"", "_"] + Self.asUser([
                "openssl", "req", "-new", "-x509", "-days", "30", "-nodes", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-out",
                data + "/server.crt", "-keyout", data + "/server.key",
            ]), folder: folder.path)
        try await waitUntil("openssl ends", within: .seconds(60)) { !process.isRunning }
        guard process.exitCode == 0 else { throw TimedOut(description: "openssl: \(process.text)") }
        return data + "/server.crt"
    }

    private static func asUser(_ command: [String]) -> [String] {
        getuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] + command : command
    }

    /// The folder of the newest installed version.
    private static func programs() throws -> String {
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }.sorted()
        guard let version = versions.last(where: { FileManager.default.isExecutableFile(atPath: "\(root)/\($0)/bin/postgres") }) else {
            throw TimedOut(description: "no Postgres server is installed; run scripts/setup --tests")
        }
        return "\(root)/\(version)/bin"
    }
}

private actor SharedServer {
    private var starting: Task<PostgresUnderTest, any Error>?

    func server() async throws -> PostgresUnderTest {
        if let starting { return try await starting.value }
        let task = Task { try await PostgresUnderTest.make(settings: []) }
        starting = task
        let server = try await task.value
        leftBehind.withLock { $0 = server }
        // The server would end by itself with our pipe; its folder would stay.
        atexit {
            guard let server = leftBehind.withLock({ $0 }) else { return }
            if let pid = server.pid { kill(pid, SIGQUIT) }
            for _ in 0..<300 where server.pid != nil { usleep(10_000) }
            server.folder.remove()
        }
        return server
    }
}

private let leftBehind = Mutex<PostgresUnderTest?>(nil)
