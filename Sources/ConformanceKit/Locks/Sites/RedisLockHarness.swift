import LockContract

/// Locks on a Redis server: a fresh one for each check, or one that is there already.
public struct RedisLockHarness: LockHarness {
    public let name = "redis"
    private let make: @Sendable (_ port: Int, LockWiring) throws -> any LockBackend

    /// - Parameter make: Makes a handle for the server or proxy at this port of 127.0.0.1.
    public init(_ make: @escaping @Sendable (_ port: Int, LockWiring) throws -> any LockBackend) { self.make = make }

    public func withSite(_ body: @escaping @Sendable (LockSite) async throws -> Void) async throws {
        let server = try await RedisUnderTest.start()
        let result: Result<Void, any Error>
        do { result = .success(try await body(site(server))) } catch { result = .failure(error) }
        await server.remove()
        try result.get()
    }

    private func site(_ server: RedisUnderTest) -> LockSite {
        let make = make
        return LockSite(
            port: server.port,
            restart: {
                try await server.stop()
                try await server.start()
            },
            wipe: {
                let reply = try await server.command("FLUSHALL")
                guard reply.hasPrefix("+OK") else { throw ControlFailure("FLUSHALL: \(reply)") }
            },
            stop: { try await server.stop() }, start: { try await server.start() },
            open: { try make($0.port ?? server.port, $0) })
    }
}

/// Locks on a server that somebody else runs: no clause that needs to stop it, or a wire of its own, applies.
public struct RemoteLockHarness: LockHarness {
    public let name: String
    private let make: @Sendable (LockWiring) throws -> any LockBackend

    public init(name: String, _ make: @escaping @Sendable (LockWiring) throws -> any LockBackend) {
        self.name = name
        self.make = make
    }

    public func withSite(_ body: @escaping @Sendable (LockSite) async throws -> Void) async throws {
        let make = make
        try await body(LockSite(isSomebodyElses: true, open: { try make($0) }))
    }
}
