import ConformanceKit

/// A kind of lock backend that several gateway processes can share.
public enum SharedLockKind: String, Sendable, CustomStringConvertible {
    case sqlite, redis, etcd, postgres
    /// Grants everybody; in builds with fail points only.
    case lying

    /// Those that the program knows.
    public static let honest: [SharedLockKind] = [.sqlite, .redis, .etcd, .postgres]
    public var description: String { rawValue }
}

/// One lock backend for all gateways of a test: the real server, if it has one, on a free port with a folder of its own.
public struct SharedLocks: Sendable {
    public let kind: SharedLockKind
    public let redis: RedisUnderTest?
    public let etcd: EtcdUnderTest?
    public let postgres: PostgresUnderTest?
    /// What stands behind `locks:` in a gateway's file, by the gateway's number, without the time to live.
    private let settings: @Sendable (Int) -> String

    public init(
        kind: SharedLockKind, redis: RedisUnderTest? = nil, etcd: EtcdUnderTest? = nil, postgres: PostgresUnderTest? = nil,
        settings: @escaping @Sendable (Int) -> String
    ) {
        self.kind = kind
        self.redis = redis
        self.etcd = etcd
        self.postgres = postgres
        self.settings = settings
    }

    /// - Parameter environment: For a shim before the server's clock.
    public static func start(_ kind: SharedLockKind, in folder: TemporaryFolder, environment: [String: String] = [:]) async throws -> SharedLocks {
        switch kind {
        case .sqlite: return SharedLocks(kind: kind) { [path = folder.file("locks.db")] _ in "type: sqlite, path: \"\(path)\"" }
        case .redis:
            let server = try await RedisUnderTest.start(environment: environment)
            return SharedLocks(kind: kind, redis: server) { [port = server.port] _ in Self.redis(port) }
        case .etcd:
            let server = try await EtcdUnderTest.start()
            return SharedLocks(kind: kind, etcd: server) { [port = server.port] _ in "type: etcd, url: [\"http://127.0.0.1:\(port)\"]" }
        case .postgres:
            let server = try await PostgresUnderTest.start(environment: environment)
            return SharedLocks(kind: kind, postgres: server) { [url = server.url()] _ in "type: postgres, url: \"\(url)\"" }
        case .lying: return SharedLocks(kind: kind) { _ in "type: lying" }
        }
    }

    /// For a server or a proxy at this port.
    public static func redis(_ port: Int) -> String { "type: redis, url: \"redis://127.0.0.1:\(port)\"" }

    func text(gateway: Int, ttl: String) -> String { "{ \(settings(gateway)), ttl: \(ttl) }" }

    func remove() async {
        await redis?.remove()
        await etcd?.remove()
        await postgres?.remove()
    }
}
