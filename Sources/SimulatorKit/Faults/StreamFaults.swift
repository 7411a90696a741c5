import ServerKit
import Synchronization
import TradingModel

/// The private-stream connections of a venue, and the faults that befall their events.
public final class StreamFaults: Sendable {
    /// How long a reordered event waits for the one that overtakes it.
    public static let reorderWait = Duration.milliseconds(250)

    private struct State {
        var connections: [Int: WebSocketConnection] = [:]
        var silentUntil: [Int: MonotonicInstant] = [:]
        var next = 0
    }

    private let state = Mutex(State())
    private let plan: FaultPlan
    private let clock: any TradingClock

    public init(plan: FaultPlan, clock: any TradingClock) {
        self.plan = plan
        self.clock = clock
    }

    /// Keeps the connection known while `body` runs.
    public func withConnection(_ connection: WebSocketConnection, _ body: (Int) async throws -> Void) async rethrows {
        let number = state.withLock { state in
            defer { state.next += 1 }
            state.connections[state.next] = connection
            return state.next
        }
        defer {
            state.withLock { state in
                state.connections[number] = nil
                state.silentUntil[number] = nil
            }
        }
        try await body(number)
    }

    /// Plays `close` and `silence` that wait for no event. Called after faults were planned.
    public func playImmediateFaults() {
        guard plan.pending.contains(where: { $0.on == .stream && $0.skip == 0 && ($0.action == .close || $0.action == .silence) }) else { return }
        let live = state.withLock { $0.connections }
        guard !live.isEmpty, let fault = plan.take(on: .stream) else { return }
        for (number, connection) in live { play(fault, number, connection) }
    }

    /// Whether the connection must not say anything now.
    public func isSilent(_ number: Int) -> Bool {
        state.withLock { state in state.silentUntil[number].map { clock.monotonic < $0 } ?? false }
    }

    /// Sends one event, or what the plan makes of it.
    ///
    /// - Parameter held: The event that a fault put back, to be sent after the next one.
    public func send(
        _ event: String, on connection: WebSocketConnection, number: Int, held: inout [String]
    ) async throws {
        let fault = plan.take(on: .stream)
        if isSilent(number) { return }
        switch fault?.action {
        case .dropEvent: return
        case .duplicateEvent:
            for _ in 0..<(fault?.copies ?? 2) { try await connection.write(text: event) }
        case .reorderEvents:
            held.append(event)
            return
        case .delay:
            try await clock.sleep(for: fault?.duration(default: FaultPlan.delayTime) ?? .zero)
            try await connection.write(text: event)
        case .silence, .close:
            if let fault { play(fault, number, connection) }
            return
        default: try await connection.write(text: event)
        }
        for late in held { try await connection.write(text: late) }
        held.removeAll()
    }

    private func play(_ fault: Fault, _ number: Int, _ connection: WebSocketConnection) {
        if fault.action == .close { return connection.drop() }
        let end = clock.monotonic + fault.duration(default: .seconds(86_400))
        state.withLock { $0.silentUntil[number] = end }
    }
}
