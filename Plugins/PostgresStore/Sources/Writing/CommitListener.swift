import Logging
import PostgresKit
import StoreKit
import TradingModel

/// Tells the watchers what any process has committed: at once by NOTIFY, and by looking four times a second, for a notification can
/// be lost with its connection.
struct CommitListener: Sendable {
    private static let interval = Duration.milliseconds(250)

    let configuration: PostgresConfiguration
    let channel: String
    let identity: ServerIdentity
    let clock: any TradingClock
    let logger: Logger
    let told: @Sendable (Int64) -> Void

    /// Until cancelled. A lost connection is made anew.
    func run() async {
        while !Task.isCancelled {
            do { try await follow() } catch {
                if !Task.isCancelled { logger.debug("not listening for commits of other processes", metadata: ["error": "\(error)"]) }
            }
            do { try await clock.sleep(for: Self.interval) } catch { return }
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
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await notification in notifications {
                    if let sequence = Int64(notification.payload) { told(sequence) }
                }
                throw PostgresError(.connectionLost, "no more notifications")
            }
            group.addTask {
                while true {
                    let row = try await connection.run([PostgresStatement("SELECT coalesce(max(sequence), 0) FROM journal")]).first?.first
                    if let sequence = try row?.integer(0) { told(sequence) }
                    try await clock.sleep(for: Self.interval)
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
