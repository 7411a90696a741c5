/// A simulator that runs already, perhaps on another machine. All clauses share it, so they run in turn, and each begins with
/// `POST /_sim/reset`.
public struct RemoteSimulator: VenueHarness {
    private let base: any VenueHarness
    private let host: String
    private let port: Int

    /// - Parameter base: The harness of the same adapter in this process, which knows how to make the broker.
    public init(_ base: any VenueHarness, host: String, port: Int) {
        self.base = base
        self.host = host
        self.port = port
    }

    public var profile: VenueProfile { base.profile }
    public var patience: Duration { base.patience }

    /// Why a clause is not checked at such a venue; nil if it is.
    public func leavesOut(_ clause: BrokerClause) -> String? {
        clause.id.contains(".tls-") ? "TLS is played only before a simulator of this process" : nil
    }

    /// Whether something with the controls of a simulator answers there.
    public static func answers(host: String, port: Int) async -> Bool {
        do {
            _ = try await HTTPVenueControls(host: host, port: port).orders()
            return true
        } catch { return false }
    }

    public func withVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        _ = try await ControlClient(host: host, port: port).send(.POST, "/_sim/reset", body: "{}")
        let controls = HTTPVenueControls(host: host, port: port) { _ in
            throw ClauseLeftOut("a simulator of another process cannot be filled with a thousand orders")
        }
        // The venue of this process is not traded; what it gives is the way to make a broker.
        try await base.withVenue { own in
            var remote = SimulatedVenue(
                restPort: own.restPort.map { _ in port }, streamPort: own.streamPort.map { _ in port }, controls: controls,
                makeBroker: own.makeBroker)
            remote.host = host
            try await body(remote)
        }
    }

    public func withLimitedVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        throw ClauseLeftOut("a simulator of another process cannot be told to enforce limits")
    }
}
