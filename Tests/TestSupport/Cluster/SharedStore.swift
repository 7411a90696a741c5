/// A kind of order store that several gateway processes can share.
public enum SharedStoreKind: String, Sendable, CaseIterable, CustomStringConvertible {
    case sqlite
    public var description: String { rawValue }
}

/// One order store for all gateways of a test, with its server if it has one.
public struct SharedStore: Sendable {
    public let kind: SharedStoreKind
    /// What stands behind `store:` in each gateway's file.
    let settings: String
    let remove: @Sendable () async -> Void

    static func start(_ kind: SharedStoreKind, in folder: TemporaryFolder) async throws -> SharedStore {
        switch kind {
        case .sqlite: SharedStore(kind: kind, settings: "{ type: sqlite, path: \"\(folder.file("turnstile.db"))\" }", remove: {})
        }
    }
}
