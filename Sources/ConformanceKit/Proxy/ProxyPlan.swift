import Synchronization

/// What a proxy is told to do, and what it has seen. Shared by all its connections.
final class ProxyPlan: Sendable {
    /// Requests remembered.
    static let limit = 100_000

    private struct State {
        var faults: [(patterns: [RequestPattern], fault: WireFault)] = []
        var seen: [SeenRequest] = []
        var cutsNextConnections: [Int] = []
        var connections = 0
        var opaqueBytes = 0
        var isSilent = false
        var rewritten = 0
        var streamFaults: [StreamFault] = []
        var replyMap: (@Sendable ([UInt8]) -> [UInt8])?
    }

    private let state = Mutex(State())

    /// Nothing that passes is looked at as HTTP.
    let isOpaque: Bool

    init(isOpaque: Bool = false) { self.isOpaque = isOpaque }

    // MARK: Told

    func add(_ fault: StreamFault) { state.withLock { $0.streamFaults.append(fault) } }
    func setReplyMap(_ map: (@Sendable ([UInt8]) -> [UInt8])?) { state.withLock { $0.replyMap = map } }

    /// The next request that fits one of the patterns gets the fault; without patterns the next GET.
    func add(_ fault: WireFault, on patterns: [RequestPattern]) { state.withLock { $0.faults.append((patterns, fault)) } }
    func clear() {
        state.withLock { state in
            state.faults = []
            state.cutsNextConnections = []
            state.streamFaults = []
        }
    }
    /// The next connection is cut after so many bytes of the broker's, before any reaches the venue.
    func cutNextConnection(afterBytes count: Int) { state.withLock { $0.cutsNextConnections.append(count) } }
    func setSilent(_ isSilent: Bool) { state.withLock { $0.isSilent = isSilent } }

    // MARK: Asked by connections

    var isSilent: Bool { state.withLock { $0.isSilent } }

    func connected() -> Int? {
        state.withLock { state in
            state.connections += 1
            return state.cutsNextConnections.isEmpty ? nil : state.cutsNextConnections.removeFirst()
        }
    }

    /// Notes a new request; returns its number.
    func began(_ request: SeenRequest) -> Int {
        state.withLock { state in
            if state.seen.count < Self.limit { state.seen.append(request) }
            return state.seen.count - 1
        }
    }

    func came(_ number: Int, bytes: Int, isWhole: Bool) {
        state.withLock { state in
            state.seen[number].bytes = bytes
            state.seen[number].isWhole = isWhole
        }
    }

    func noteOpaque(_ bytes: Int) { state.withLock { $0.opaqueBytes += bytes } }
    func noteRewrite() { state.withLock { $0.rewritten += 1 } }

    func take(for request: SeenRequest) -> WireFault? {
        state.withLock { state in
            let index = state.faults.firstIndex { entry in
                entry.patterns.isEmpty ? request.method == "GET" : entry.patterns.contains { $0.matches(request) }
            }
            return index.map { state.faults.remove(at: $0).fault }
        }
    }

    /// The first planned fault whose words are in what the client sent, once its skips are used up.
    func takeStreamFault(in bytes: [UInt8]) -> StreamFault.Effect? {
        state.withLock { state in
            guard let index = state.streamFaults.firstIndex(where: { $0.matches(bytes) }) else { return nil }
            if state.streamFaults[index].skip > 0 {
                state.streamFaults[index].skip -= 1
                return nil
            }
            return state.streamFaults.remove(at: index).effect
        }
    }
    func mapped(_ reply: [UInt8]) -> [UInt8]? { state.withLock { $0.replyMap }.map { $0(reply) } }

    // MARK: Seen

    var seen: [SeenRequest] { state.withLock { $0.seen } }
    var connections: Int { state.withLock { $0.connections } }
    /// Bytes that were no HTTP: TLS, or a WebSocket after its upgrade.
    var opaqueBytes: Int { state.withLock { $0.opaqueBytes } }
    /// How often a planned rewriting found its text.
    var rewritten: Int { state.withLock { $0.rewritten } }
}
