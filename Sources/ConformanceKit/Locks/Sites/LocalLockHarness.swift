import Foundation
import LockContract
import Synchronization

/// Locks without a server: in this process' memory, or in a folder.
public struct LocalLockHarness: LockHarness {
    public let name: String
    private let isInMemory: Bool
    private let make: @Sendable (_ folder: String, LockWiring) throws -> any LockBackend

    /// - Parameters:
    ///   - isInMemory: Whether all handles of a process are one instance, whose end is the end of all leases.
    ///   - make: Makes a handle; what it stores belongs into the folder.
    public init(name: String, isInMemory: Bool, make: @escaping @Sendable (_ folder: String, LockWiring) throws -> any LockBackend) {
        self.name = name
        self.isInMemory = isInMemory
        self.make = make
    }

    public func withSite(_ body: @escaping @Sendable (LockSite) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "locks-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(site(folder))
    }

    private func site(_ folder: String) -> LockSite {
        let (make, isInMemory) = (make, isInMemory)
        guard isInMemory else {
            return LockSite(
                isTimedByClient: true, restart: {},
                wipe: { for file in try FileManager.default.contentsOfDirectory(atPath: folder) { try FileManager.default.removeItem(atPath: folder + "/" + file) } },
                open: { try make(folder, $0) })
        }
        let instance = Instance()
        return LockSite(
            isTimedByClient: true, restart: { instance.forget() }, wipe: { instance.forget() },
            open: { wiring in try instance.get { try make(folder, wiring) } })
    }

    /// The one instance of a process; a new process has a new one.
    private final class Instance: Sendable {
        private let current = Mutex<(any LockBackend)?>(nil)
        func forget() { current.withLock { $0 = nil } }
        func get(_ make: () throws -> any LockBackend) throws -> any LockBackend {
            try current.withLock { current in
                if let current { return current }
                let made = try make()
                current = made
                return made
            }
        }
    }
}
