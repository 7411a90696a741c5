extension FaultProxy {
    /// The next request that fits one of the patterns gets the fault; without patterns the next GET.
    public func plan(_ fault: WireFault, on patterns: [RequestPattern]) { plan.add(fault, on: patterns) }

    /// At an opaque proxy the next bytes that fit get the fault.
    public func plan(_ fault: StreamFault) { plan.add(fault) }

    /// At an opaque proxy every piece of the server's goes through `map`; nil passes it as it is.
    public func mapReplies(_ map: (@Sendable ([UInt8]) -> [UInt8])?) { plan.setReplyMap(map) }

    /// Forgets planned faults that have not happened.
    public func clearFaults() { plan.clear() }

    /// The next connection is cut after so many bytes of the broker's, none of which the venue gets; 0 cuts at once.
    public func cutNextConnection(afterBytes count: Int) { plan.cutNextConnection(afterBytes: count) }

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
