import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

extension PostgresUnderTest {
    private static let shared = SharedServer()

    /// The server that the tests of one process share; started with the first call, and ended with the process.
    public static func common() async throws -> PostgresUnderTest { try await shared.server() }
}

private actor SharedServer {
    private var starting: Task<PostgresUnderTest, any Error>?

    func server() async throws -> PostgresUnderTest {
        if let starting { return try await starting.value }
        let task = Task { try await PostgresUnderTest.start(["max_connections=200"]) }
        starting = task
        let server = try await task.value
        leftBehind.withLock { $0 = server }
        atexit {
            guard let server = leftBehind.withLock({ $0 }) else { return }
            server.send(SIGQUIT)
            for _ in 0..<300 where server.isRunning { usleep(10_000) }
            try? FileManager.default.removeItem(atPath: server.folder)
        }
        return server
    }
}

private let leftBehind = Mutex<PostgresUnderTest?>(nil)
