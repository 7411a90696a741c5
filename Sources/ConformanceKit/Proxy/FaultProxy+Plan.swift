extension FaultProxy {
    /// The next request that fits one of the patterns gets the fault; without patterns the next GET.
    public func plan(_ fault: WireFault, on patterns: [RequestPattern]) { plan.add(fault, on: patterns) }

    /// Forgets planned faults that have not happened.
    public func clearFaults() { plan.clear() }

    /// The next connection is cut after so many bytes of the broker's, none of which the venue gets; 0 cuts at once.
    public func cutNextConnection(afterBytes count: Int) { plan.cutNextConnection(afterBytes: count) }

    /// Every TLS connection is cut at this point of its handshake until the faults are cleared.
    public func cutHandshakes(at point: HandshakeCut) { plan.cutHandshakes(at: point) }

    /// Handshakes that were cut, ever.
    public var handshakesCut: Int { plan.handshakesCut }

    /// Whether what the venue says on WebSockets is thrown away while the connections stay open.
    public func setSilent(_ isSilent: Bool) { plan.setSilent(isSilent) }

    /// Every request that has come, at least with its first line, oldest first.
    public var requests: [SeenRequest] { plan.seen }

    /// Connections that were taken, ever.
    public var connections: Int { plan.connections }

    /// Bytes that were no HTTP: TLS, or a WebSocket after its upgrade.
    public var opaqueBytes: Int { plan.opaqueBytes }

    /// How often a planned rewriting found its text.
    public var rewrites: Int { plan.rewritten }
}
