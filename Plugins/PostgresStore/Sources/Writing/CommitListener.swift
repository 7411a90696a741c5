import Logging
import PostgresKit
import StoreKit
import TradingModel

/// Tells the watchers that another process has committed, by NOTIFY. What is told while there is no connection is missed; a new
/// connection is told as a commit, since there may have been one.
struct CommitListener: Sendable {
    /// Between two attempts to connect.
    private static let pause = Duration.milliseconds(500)
    /// How often the connection is asked whether it lives.
    private static let checkInterval = Duration.seconds(5)

    let configuration: PostgresConfiguration
    let channel: String
    /// What our own commits say.
    let name: String
    let identity: ServerIdentity
    let clock: any TradingClock
    let logger: Logger
    let told: @Sendable () -> Void

    /// Until cancelled. A lost connection is made anew.
    func run() async {
        while !Task.isCancelled {
            do { try await follow() } catch {
                if !Task.isCancelled { logger.debug("not listening for commits of other processes", metadata: ["error": "\(error)"]) }
            }
            do { try await clock.sleep(for: Self.pause) } catch { return }
        }
    }

    private func follow() async throws {
        let connection = try await PostgresConnection.connect(configuration)
        let result: Result<Void, any Error>
        do { result = .success(try await follow(connection)) } catch { result = .failure(error) }
        await connection.close()
        try result.get()
    }

    private func follow(_ connection: PostgresConnection) async throws {
        guard try await ServerSafety.check(connection) == identity else { throw PostgresError(.unsafeServer, "another server answers") }
        let notifications = try await connection.listen(channel)
        told()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await notification in notifications where notification.payload != name { told() }
                throw PostgresError(.connectionLost, "no more notifications")
            }
            group.addTask {
                while true {
                    try await clock.sleep(for: Self.checkInterval)
                    _ = try await connection.run([PostgresStatement("SELECT 1")])
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
