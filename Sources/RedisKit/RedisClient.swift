import Synchronization
import TradingModel

/// Keeps one connection to a server, and makes a new one when it has ended.
///
/// Whoever needs the connection first makes it; the others wait for that one attempt. After a failed attempt no further one is
/// made for a moment, so that a server that is down is not hammered.
public final class RedisClient: Sendable {
    /// Judges a new connection before it is used, and has until `end` for it; throws why it must not be.
    public typealias Preparation = @Sendable (RedisConnection, _ end: MonotonicInstant) async throws(RedisError) -> Void

    private struct State {
        var current: RedisConnection?
        var isConnecting = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var failure: (error: RedisError, until: MonotonicInstant)?
    }

    private static let pauseAfterFailure = Duration.milliseconds(50)
    private let options: RedisOptions
    private let connectTimeout: Duration
    private let clock: any TradingClock
    private let prepare: Preparation
    private let state = Mutex(State())

    public init(_ options: RedisOptions, connectTimeout: Duration, clock: any TradingClock, prepare: @escaping Preparation) {
        self.options = options
        self.connectTimeout = connectTimeout
        self.clock = clock
        self.prepare = prepare
    }

    deinit { state.withLock { $0.current }?.close() }

    /// Sends one command, once, over the current connection or a new one.
    public func send(_ command: [String], within timeout: Duration) async -> RedisOutcome {
        let end = clock.monotonic + timeout
        do throws(RedisError) {
            let connection = try await connection(within: timeout)
            return await connection.send(command, within: end - clock.monotonic)
        } catch { return .notSent(error.description) }
    }

    /// A connection that has been judged.
    public func connection(within timeout: Duration) async throws(RedisError) -> RedisConnection {
        enum Next {
            case use(RedisConnection)
            case fail(RedisError)
            case connect
            case wait
        }
        while true {
            let now = clock.monotonic
            let next = state.withLock { state -> Next in
                if let current = state.current, current.isActive { return .use(current) }
                if state.isConnecting { return .wait }
                if let failure = state.failure, now < failure.until { return .fail(failure.error) }
                state.isConnecting = true
                return .connect
            }
            switch next {
            case .use(let connection): return connection
            case .fail(let error): throw error
            case .connect: return try await connect(within: min(timeout, connectTimeout))
            case .wait:
                await withCheckedContinuation { continuation in
                    let isOver = state.withLock { state in
                        if state.isConnecting { state.waiting.append(continuation) }
                        return !state.isConnecting
                    }
                    if isOver { continuation.resume() }
                }
                guard !Task.isCancelled else { throw RedisError("cancelled") }
            }
        }
    }

    private func connect(within timeout: Duration) async throws(RedisError) -> RedisConnection {
        let end = clock.monotonic + timeout
        do throws(RedisError) {
            let connection = try await RedisConnection.connect(options, within: timeout, clock: clock)
            do throws(RedisError) { try await prepare(connection, end) } catch {
                connection.close()
                throw error
            }
            finish(connection, nil)
            return connection
        } catch {
            finish(nil, error)
            throw error
        }
    }

    private func finish(_ connection: RedisConnection?, _ error: RedisError?) {
        let until = clock.monotonic + Self.pauseAfterFailure
        let waiting = state.withLock { state in
            state.current = connection
            state.isConnecting = false
            state.failure = error.map { ($0, until) }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
