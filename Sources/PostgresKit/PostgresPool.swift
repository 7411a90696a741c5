import Dispatch
import Synchronization
import TradingModel

/// A bounded set of connections to one server.
///
/// A connection is made when one is wanted and none is free, looked at before use if it stood idle, and replaced when it is old.
/// It comes back only when no transaction is open on it.
public final class PostgresPool: Sendable {
    public struct Options: Sendable, Hashable {
        /// Connections at most.
        public var size: Int
        /// How long a caller waits for one.
        public var acquireTimeout: Duration
        /// An older connection is not used again.
        public var maxAge: Duration
        /// One that was not used for longer is asked first whether it still lives.
        public var idleCheck: Duration

        public init(size: Int = 4, acquireTimeout: Duration = .seconds(5), maxAge: Duration = .seconds(1800), idleCheck: Duration = .seconds(10)) {
            self.size = max(1, size)
            self.acquireTimeout = acquireTimeout
            self.maxAge = maxAge
            self.idleCheck = idleCheck
        }
    }

    private struct Idle {
        let connection: PostgresConnection
        let openedAt: MonotonicInstant
        let usedAt: MonotonicInstant
    }
    private enum Turn {
        case use(Idle)
        /// There is room to make one.
        case open
        case failed(PostgresError)
    }
    private struct State {
        var idle: [Idle] = []
        var inUse = 0
        var opening = 0
        var nextID = 0
        var waiters: [(id: Int, continuation: CheckedContinuation<Turn, Never>)] = []
        var isClosed = false
        var gauges: PoolGauges
    }

    private let configuration: PostgresConfiguration
    private let options: Options
    private let clock: any TradingClock
    private let admit: @Sendable (PostgresConnection) async throws(PostgresError) -> Void
    private let state: Mutex<State>

    /// - Parameters:
    ///   - name: In its gauges.
    ///   - admit: Looks at each new connection and throws if it must not be used.
    public init(
        _ configuration: PostgresConfiguration, name: String = "postgres", options: Options, clock: any TradingClock,
        admit: @escaping @Sendable (PostgresConnection) async throws(PostgresError) -> Void
    ) {
        self.configuration = configuration
        self.options = options
        self.clock = clock
        self.admit = admit
        state = Mutex(State(gauges: PoolGauges(name: name)))
    }

    public var gauges: PoolGauges {
        state.withLock { state in
            var gauges = state.gauges
            gauges.size = options.size
            gauges.idle = state.idle.count
            gauges.inUse = state.inUse
            gauges.waiting = state.waiters.count
            return gauges
        }
    }

    /// Lends a connection to `body`. What `body` leaves open as a transaction ends with the connection.
    ///
    /// - Parameter limit: Of the whole: waiting, connecting, and every answer in `body`. An answer that has not come by then is lost.
    public func withConnection<T: Sendable>(
        within limit: Duration? = nil, _ body: (PostgresConnection) async throws(PostgresError) -> T
    ) async throws(PostgresError) -> T {
        let lent = try await acquire(within: limit)
        let result: Result<T, PostgresError>
        do throws(PostgresError) { result = .success(try await body(lent.connection)) } catch { result = .failure(error) }
        await giveBack(lent)
        return try result.get()
    }

    /// Throws if the server does not answer on a connection of the pool.
    public func ping(within limit: Duration) async throws(PostgresError) {
        _ = try await withConnection(within: limit) { connection async throws(PostgresError) in try await connection.run([PostgresStatement("SELECT 1")]) }
    }

    /// Ends all connections that are free now, those in use when they come back, and tells everybody who waits.
    public func close() async {
        let waiters = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: .failed(Self.closed)) }
        await closeIdle()
    }

    private static let closed = PostgresError(.notConnected, "the pool is closed")

    // MARK: Acquiring

    private func acquire(within limit: Duration?) async throws(PostgresError) -> Idle {
        let start = clock.monotonic
        let end = limit.map { start + $0 }
        let deadline = start + min(options.acquireTimeout, limit ?? options.acquireTimeout)
        var obstacle: PostgresError?
        while true {
            switch await turn(until: deadline, after: obstacle) {
            case .failed(let error): throw error
            case .use(let entry):
                await entry.connection.setLimit(end.map { $0 - clock.monotonic })
                guard await isUsable(entry) else {
                    await entry.connection.close()
                    release()
                    continue
                }
                return entry
            case .open:
                do throws(PostgresError) { return try await open(end) } catch {
                    // At the server's limit the pool goes on with the connections that it has.
                    let others = state.withLock { state in
                        state.gauges.failures += 1
                        return state.inUse + state.idle.count - 1 > 0
                    }
                    release(mayOpen: !others)
                    guard others, error.kind == .notConnected else { throw error }
                    obstacle = error
                }
            }
        }
    }

    private func open(_ end: MonotonicInstant?) async throws(PostgresError) -> Idle {
        let connection = try await PostgresConnection.connect(configuration, within: end.map { $0 - clock.monotonic })
        do throws(PostgresError) { try await admit(connection) } catch {
            await connection.close()
            throw error
        }
        state.withLock { $0.gauges.opened += 1 }
        let now = clock.monotonic
        return Idle(connection: connection, openedAt: now, usedAt: now)
    }

    private func isUsable(_ entry: Idle) async -> Bool {
        let now = clock.monotonic
        guard entry.connection.isOpen, now - entry.openedAt < options.maxAge else { return false }
        guard now - entry.usedAt >= options.idleCheck else { return true }
        return (try? await entry.connection.run([PostgresStatement("SELECT 1")])) != nil
    }

    /// A free connection, the right to open one, or a wait in line. After an `obstacle` it waits for one that others have.
    private func turn(until deadline: MonotonicInstant, after obstacle: PostgresError?) async -> Turn {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let turn: Turn? = state.withLock { state in
                    if state.isClosed { return .failed(Self.closed) }
                    if Task.isCancelled { return .failed(PostgresError(.cancelled, "")) }
                    if let entry = state.idle.popLast() {
                        state.inUse += 1
                        return .use(entry)
                    }
                    if obstacle == nil, state.inUse < options.size {
                        state.inUse += 1
                        return .open
                    }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let turn { return continuation.resume(returning: turn) }
                let left = max(deadline - clock.monotonic, .zero)
                DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(Int(left.wholeMilliseconds))) { [weak self] in
                    self?.expire(id, obstacle ?? PostgresError(.poolTimedOut, "all connections were in use"))
                }
            }
        } onCancel: {
            leave(id, PostgresError(.cancelled, ""))
        }
    }

    private func expire(_ id: Int, _ error: PostgresError) {
        if leave(id, error) { state.withLock { $0.gauges.timeouts += 1 } }
    }

    @discardableResult
    private func leave(_ id: Int, _ error: PostgresError) -> Bool {
        let waiter = state.withLock { state in
            state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
        }
        waiter?.continuation.resume(returning: .failed(error))
        return waiter != nil
    }

    // MARK: Giving back

    private func giveBack(_ lent: Idle) async {
        let isClean = await lent.connection.isIdle && lent.connection.isOpen
        let entry = Idle(connection: lent.connection, openedAt: lent.openedAt, usedAt: clock.monotonic)
        enum Next { case kept, handed(CheckedContinuation<Turn, Never>), ended }
        let next: Next = state.withLock { state in
            guard isClean, !state.isClosed, entry.usedAt - entry.openedAt < options.maxAge else { return .ended }
            guard state.waiters.isEmpty else { return .handed(state.waiters.removeFirst().continuation) }
            state.inUse -= 1
            state.idle.append(entry)
            return .kept
        }
        switch next {
        case .kept: break
        case .handed(let continuation): continuation.resume(returning: .use(entry))
        case .ended:
            let wasLost = !entry.connection.isOpen
            await entry.connection.close()
            // What ended one connection has most likely ended the others; each would cost its user a time-out.
            if wasLost { await closeIdle() }
            release()
        }
    }

    private func closeIdle() async {
        let idle = state.withLock { state in
            defer { state.idle = [] }
            return state.idle
        }
        for entry in idle { await entry.connection.close() }
    }

    /// Frees a place; whoever waits longest may open a connection in it.
    private func release(mayOpen: Bool = true) {
        let waiter: CheckedContinuation<Turn, Never>? = state.withLock { state in
            guard mayOpen, !state.isClosed, !state.waiters.isEmpty else {
                state.inUse -= 1
                return nil
            }
            return state.waiters.removeFirst().continuation
        }
        waiter?.resume(returning: .open)
    }
}
