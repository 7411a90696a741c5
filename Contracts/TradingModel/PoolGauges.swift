/// How a pool of connections to a server stands at this moment.
public struct PoolGauges: Sendable, Hashable {
    /// Whose connections, such as `store.readers`.
    public var name: String
    /// The most that there may be.
    public var size = 0
    public var idle = 0
    public var inUse = 0
    /// Callers who wait for one.
    public var waiting = 0
    /// Connections that there are now, or that are being made.
    public var open: Int { idle + inUse }
    /// Since the start: connections made, connections that could not be made, and callers who waited in vain.
    public var opened = 0
    public var failures = 0
    public var timeouts = 0

    public init(name: String) { self.name = name }
}
