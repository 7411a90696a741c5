import LockContract

/// Locks on a Postgres server: a fresh one for each check.
public struct PostgresLockHarness: LockHarness {
    public let name = "postgres"
    private let make: @Sendable (PostgresUnderTest, LockWiring) throws -> any LockBackend

    /// - Parameter make: Makes a handle for the server, or for the proxy before it at the wiring's port of 127.0.0.1.
    public init(_ make: @escaping @Sendable (PostgresUnderTest, LockWiring) throws -> any LockBackend) { self.make = make }

    public func withSite(_ body: @escaping @Sendable (LockSite) async throws -> Void) async throws {
        let make = make
        // The checks open handle after handle, as many processes would.
        try await PostgresUnderTest.with(["max_connections=400"]) { server in
            try await body(
                LockSite(
                    port: server.port,
                    restart: {
                        try await server.stop()
                        try await server.start()
                    },
                    wipe: { try await server.wipe() }, stop: { try await server.stop() }, start: { try await server.start() },
                    open: { try make(server, $0) }))
        }
    }
}
