import Foundation

/// A real `pgbouncer` before a Postgres server.
public final class PgBouncerUnderTest: Sendable {
    public let port: Int
    private let folder: String
    private let process: ServerProcess

    public static var isInstalled: Bool { ServerProcess.find("pgbouncer") != nil }

    private init(port: Int, folder: String, process: ServerProcess) {
        self.port = port
        self.folder = folder
        self.process = process
    }

    /// Runs `body` with a pooler that is ended afterwards.
    ///
    /// - Parameter mode: `transaction`, `session` or `statement`.
    public static func with(_ server: PostgresUnderTest, mode: String, _ body: (PgBouncerUnderTest) async throws -> Void) async throws {
        let pooler = try await start(server, mode: mode)
        let result: Result<Void, any Error>
        do { result = .success(try await body(pooler)) } catch { result = .failure(error) }
        try? await pooler.process.end()
        try? FileManager.default.removeItem(atPath: pooler.folder)
        try result.get()
    }

    private static func start(_ server: PostgresUnderTest, mode: String) async throws -> PgBouncerUnderTest {
        guard let program = ServerProcess.find("pgbouncer") else { throw ControlFailure("pgbouncer is not installed: scripts/setup --tests") }
        let (port, folder) = (try await freeServerPort(), try makeServerFolder("pgbouncer"))
        let settings = """
            [databases]
            postgres = host=127.0.0.1 port=\(server.port) dbname=postgres user=postgres
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = \(port)
            unix_socket_dir =
            auth_type = any
            pool_mode = \(mode)
            ignore_startup_parameters = extra_float_digits
            """
        let file = folder + "/pgbouncer.ini"
        try settings.write(toFile: file, atomically: true, encoding: .utf8)
        try PostgresUnderTest.chownForServer(folder)
        // It refuses to run as root, too.
        let words = PostgresUnderTest.asUser([program, file])
        let process = try ServerProcess(words[0], Array(words.dropFirst()), folder: folder)
        try await eventually("pgbouncer answers") {
            guard process.isRunning else { throw ControlFailure("pgbouncer ended: \(process.log.suffix(1000))") }
            return await isListening(port)
        }
        return PgBouncerUnderTest(port: port, folder: folder, process: process)
    }
}
