import LockContract

/// Locks on an etcd server: a fresh one for each check.
public struct EtcdLockHarness: LockHarness {
    public let name = "etcd"
    private let make: @Sendable (_ port: Int, LockWiring) throws -> any LockBackend

    /// - Parameter make: Makes a handle for the server or proxy at this port of 127.0.0.1.
    public init(_ make: @escaping @Sendable (_ port: Int, LockWiring) throws -> any LockBackend) { self.make = make }

    public func withSite(_ body: @escaping @Sendable (LockSite) async throws -> Void) async throws {
        let server = try await EtcdUnderTest.start()
        let make = make
        let site = LockSite(
            port: server.port,
            restart: {
                try await server.stop()
                try await server.start()
            },
            wipe: { try await server.wipe() }, stop: { try await server.stop() }, start: { try await server.start() },
            open: { try make($0.port ?? server.port, $0) })
        let result: Result<Void, any Error>
        do { result = .success(try await body(site)) } catch { result = .failure(error) }
        await server.remove()
        try result.get()
    }
}
