import ConformanceKit
import Foundation
import LockContract
import TradingModel

@testable import PostgresLock

/// A real server and handles on it.
struct Scene: Sendable {
    let server: PostgresUnderTest
    let resource = LockResource.account("spot1")
    let holder = HolderIdentity.current(gateway: "g", purpose: "test")

    static func with(
        _ settings: [String] = [], environment: [String: String] = [:], _ body: @Sendable (Scene) async throws -> Void
    ) async throws {
        try await PostgresUnderTest.with(settings, environment: environment) { try await body(Scene(server: $0)) }
    }

    func open(port: Int? = nil, parameters: String = "", user: String = "postgres") -> PostgresLock {
        let url = server.url(port: port, parameters: parameters).replacing("postgres@", with: "\(user)@")
        return PostgresLock(
            .init(url: Secret(url), connectTimeout: .seconds(20), requestTimeout: .seconds(20)), clock: SystemClock())
    }

    func acquire(_ locks: PostgresLock, ttl: Duration = .seconds(290), _ resource: LockResource? = nil) async throws -> Lease? {
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
