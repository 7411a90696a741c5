import ConformanceKit
import Foundation
import LockContract
import Logging
import RedisKit
import TradingModel

@testable import RedisLock

/// A real server and handles on it.
struct Scene: Sendable {
    let server: RedisUnderTest
    let resource = LockResource.account("spot1")
    let holder = HolderIdentity.current(gateway: "g", purpose: "test")

    static func with(
        _ arguments: [String] = [], environment: [String: String] = [:], _ body: (Scene) async throws -> Void
    ) async throws {
        let server = try await RedisUnderTest.start(arguments, environment: environment)
        let result: Result<Void, any Error>
        do { result = .success(try await body(Scene(server: server))) } catch { result = .failure(error) }
        await server.remove()
        try result.get()
    }

    func open(_ options: RedisOptions? = nil) -> RedisLock {
        RedisLock(
            .init(options: options ?? RedisOptions(port: server.port), connectTimeout: .seconds(10), requestTimeout: .seconds(10)),
            clock: SystemClock(), logger: Logger(label: "redis-lock-tests", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    func acquire(_ locks: RedisLock, ttl: Duration = .seconds(60), _ resource: LockResource? = nil) async throws -> Lease? {
        let owner = OwnerToken.random()
        switch try await locks.acquire(resource ?? self.resource, owner: owner, ttl: ttl, holder: holder) {
        case .granted(let lease): return lease
        case .held: return nil
        case .ambiguous: return try await locks.recover(resource ?? self.resource, owner: owner)
        }
    }
}

/// The repository's folder.
let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
