import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A real Postgres server with a cluster of its own in a temporary folder, on a free port of 127.0.0.1. `fsync` is on.
///
/// The server refuses to run as root; then it runs as the user `postgres`, which its package makes.
public final class PostgresUnderTest: Sendable {
    public let folder: String
    public let port: Int
    public let place: ServerPlace
    private let settings: [String]
    private let environment: [String: String]
    private let process = Mutex<ServerProcess?>(nil)

    private init(folder: String, port: Int, place: ServerPlace = .loopback, settings: [String], environment: [String: String]) {
        self.folder = folder
        self.port = port
        self.place = place
        self.settings = settings
        self.environment = environment
    }

    public static var isInstalled: Bool { programs() != nil }

    /// A URI for the superuser of the cluster. `port` may be a proxy's.
    public func url(port: Int? = nil, parameters: String = "") -> String {
        "postgresql://postgres@\(place.host):\(port ?? self.port)/postgres\(parameters)"
    }

    public var data: String { folder + "/data" }
    public var log: String { process.withLock { $0?.log ?? "" } }
    public var pid: Int32? { process.withLock { $0?.pid } }
    var isRunning: Bool { process.withLock { $0?.isRunning ?? false } }

    // MARK: Starting

    /// - Parameters:
    ///   - settings: Further ones, as on the command line: `["max_connections=10"]`.
    ///   - environment: For a shim before its clock.
    public static func start(
        _ settings: [String] = [], environment: [String: String] = [:], at place: ServerPlace = .loopback
    ) async throws -> PostgresUnderTest {
        for _ in 0..<5 {
            let server = PostgresUnderTest(
                folder: try makeServerFolder("postgres"), port: try await freeServerPort(), place: place, settings: settings,
                environment: environment)
            // Somebody else may have taken the port in between; then it is another one.
            do {
                try chownForServer(server.folder)
                try await server.initialize()
                try await server.start()
                return server
            } catch let failure as ControlFailure {
                let isTaken = server.log.contains("Address already in use")
                await server.remove()
                guard isTaken else { throw failure }
            }
        }
        throw ControlFailure("no free port for postgres")
    }

    /// One of one's own, to stop and to spoil.
    public static func with(
        _ settings: [String] = [], environment: [String: String] = [:], _ body: (PostgresUnderTest) async throws -> Void
    ) async throws {
        let server = try await start(settings, environment: environment)
        let result: Result<Void, any Error>
        do { result = .success(try await body(server)) } catch { result = .failure(error) }
        await server.remove()
        try result.get()
    }

    private func initialize() async throws {
        try await run(
            "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
        guard place.host != ServerPlace.loopback.host else { return }
        // Out of the box it trusts the loopback only.
        let rules = try FileHandle(forWritingTo: URL(filePath: data + "/pg_hba.conf"))
        defer { try? rules.close() }
        try rules.seekToEnd()
        try rules.write(contentsOf: Data("host all all 0.0.0.0/0 trust\n".utf8))
    }

    /// Starts it with what its folder holds, and waits until it takes statements (as a standby: questions).
    public func start() async throws {
        let options = [
            "fsync=on", "listen_addresses=\(place.host)", "unix_socket_directories=\(folder)", "max_connections=100", "shared_buffers=16MB", "max_wal_size=64MB",
        ]
        let words = try Self.command("postgres", ["-D", data, "-p", "\(port)"] + (options + settings).flatMap { ["-c", $0] })
        let command = place.command(words[0], Array(words.dropFirst()))
        let process = try ServerProcess(command.executable, command.arguments, environment: environment, folder: folder)
        self.process.withLock { $0 = process }
        try await eventually("postgres answers", within: .seconds(120)) {
            guard process.isRunning else { throw ControlFailure("postgres ended: \(process.log.suffix(1000))") }
            return self.isReady()
        }
    }

    private func isReady() -> Bool {
        // The last line of a running server's file tells how it stands. Source: PostgreSQL 15, `utils/pidfile.h`.
        guard let text = try? String(contentsOfFile: data + "/postmaster.pid", encoding: .utf8) else { return false }
        return ["ready", "standby"].contains(text.split(separator: "\n").last?.trimmingCharacters(in: .whitespaces) ?? "")
    }

    // MARK: Ending

    /// Ends it as a crash does: every process leaves at once, and the next start recovers from the log.
    public func stop() async throws {
        guard let process = process.withLock({ $0 }), process.isRunning else { return }
        process.send(SIGCONT)
        process.send(SIGQUIT)
        try await eventually("postgres ends") { !process.isRunning }
    }

    public func send(_ signal: Int32) { process.withLock { $0 }?.send(signal) }

    /// Starts it anew as another cluster, without its data.
    public func wipe() async throws {
        try await stop()
        try FileManager.default.removeItem(atPath: data)
        try await initialize()
        try await start()
    }

    /// Ends it and removes its folder.
    public func remove() async {
        try? await stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: Its programs

    /// Runs SQL as the superuser, on a connection of its own; returns the rows as lines.
    @discardableResult
    public func sql(_ text: String, port: Int? = nil) async throws -> String {
        try await run("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", url(port: port), "-c", text)
    }

    /// Runs a program of the server's package to its end. Returns what it printed, or throws it.
    @discardableResult
    public func run(_ program: String, _ arguments: String...) async throws -> String {
        let words = try Self.command(program, arguments)
        return try await Self.run(words, folder: folder)
    }

    /// A copy of this server as it is now, which follows it until it is promoted.
    ///
    /// - Parameter link: Where it finds this server: a proxy's port, which can be cut.
    public func makeStandby(link: Int) async throws -> PostgresUnderTest {
        let standby = PostgresUnderTest(
            folder: try makeServerFolder("postgres"), port: try await freeServerPort(), settings: settings, environment: environment)
        try Self.chownForServer(standby.folder)
        try await standby.run("pg_basebackup", "-d", url(port: link), "-D", standby.data, "-R", "-X", "stream", "--checkpoint=fast", "--no-sync")
        try await standby.start()
        return standby
    }

    public func promote() async throws { try await run("pg_ctl", "promote", "-w", "-D", data) }

    /// Lets the server speak TLS with a certificate for this name, by a CA that is made here. Returns the CA's file.
    public func makeCertificate(for name: String) async throws -> String {
        let files = (ca: folder + "/ca", server: data + "/server")
        let script = """
            set -e; umask 077; cd \(folder)
            openssl req -new -x509 -days 30 -nodes -subj '/CN=Turnstile test CA' -out \(files.ca).crt -keyout \(files.ca).key
            openssl req -new -nodes -subj '/CN=\(name)' -out \(files.server).csr -keyout \(files.server).key
            printf 'subjectAltName=DNS:\(name)\\n' > \(files.ca).ext
            openssl x509 -req -in \(files.server).csr -CA \(files.ca).crt -CAkey \(files.ca).key -CAcreateserial -days 30 \
              -extfile \(files.ca).ext -out \(files.server).crt
            chmod 644 \(files.ca).crt
            """
        try await Self.run(Self.asUser(["/bin/sh", "-c", script]), folder: folder)
        return files.ca + ".crt"
    }

    private static func run(_ words: [String], folder: String) async throws -> String {
        // A log of its own for each program.
        let own = folder + "/run-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: own) }
        let process = try ServerProcess(words[0], Array(words.dropFirst()), folder: own)
        try await eventually("\(words) ends", within: .seconds(180)) { !process.isRunning }
        guard process.exitCode == 0 else { throw ControlFailure("\(words): \(process.log.suffix(1000))") }
        return process.log
    }

    static func chownForServer(_ folder: String) throws {
        guard getuid() == 0 else { return }
        guard let user = getpwnam("postgres") else { throw ControlFailure("there is no user postgres: scripts/setup --tests") }
        guard chown(folder, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else { throw ControlFailure("chown \(folder)") }
    }

    /// As another user than root, without a process in between.
    static func asUser(_ command: [String]) -> [String] {
        getuid() == 0 ? ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"] + command : command
    }

    private static func command(_ program: String, _ arguments: [String]) throws -> [String] {
        guard let folder = programs() else { throw ControlFailure("Postgres is not installed: scripts/setup --tests") }
        return asUser([folder + "/" + program] + arguments)
    }

    /// The folder of the newest installed version.
    private static func programs() -> String? {
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }.sorted(by: >)
        let folders = versions.map { "\(root)/\($0)/bin" }
        return folders.first { FileManager.default.isExecutableFile(atPath: $0 + "/postgres") && FileManager.default.isExecutableFile(atPath: $0 + "/initdb") }
    }
}
