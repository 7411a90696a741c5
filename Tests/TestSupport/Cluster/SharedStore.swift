import ConformanceKit

/// A kind of order store that several gateway processes can share.
public enum SharedStoreKind: String, Sendable, CustomStringConvertible {
    case sqlite, postgres
    /// Those that the program knows.
    public static let all: [SharedStoreKind] = [.sqlite, .postgres]
    public var description: String { rawValue }
}

/// One order store for all gateways of a test, with its server if it has one.
public struct SharedStore: Sendable {
    public let kind: SharedStoreKind
    public let postgres: PostgresUnderTest?
    /// What stands behind `store:` in each gateway's file.
    let settings: String

    static func start(_ kind: SharedStoreKind, in folder: TemporaryFolder) async throws -> SharedStore {
        switch kind {
        case .sqlite: return SharedStore(kind: kind, postgres: nil, settings: "{ type: sqlite, path: \"\(folder.file("turnstile.db"))\" }")
        case .postgres:
            let server = try await PostgresUnderTest.start()
            return SharedStore(kind: kind, postgres: server, settings: "{ type: postgres, url: \"\(server.url())\" }")
        }
    }

    func remove() async { await postgres?.remove() }
}
