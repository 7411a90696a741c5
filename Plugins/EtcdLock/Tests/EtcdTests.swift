import ConformanceKit
import LockContract
import Logging
import PluginSettings
import Testing
import TradingModel

@testable import EtcdLock

@Suite struct EtcdTests {
    @Test(arguments: [("3.4.23", 1, 2), ("3.5.5", 3, 1), ("3.5.6", 3, 0), ("3.6.0", 5, 0), ("", 3, 1), ("4.0.0", 2, 1)])
    func `old versions and small clusters are warned about`(_ version: String, _ members: Int, _ count: Int) {
        #expect(EtcdFacts.warnings(version: version, members: members).count == count)
    }

    @Test func `a real server of Debian 12 with one member is warned about and used`() async throws {
        let server = try await EtcdUnderTest.start()
        let result: Result<Void, any Error>
        do { result = .success(try await use(server)) } catch { result = .failure(error) }
        await server.remove()
        try result.get()
    }

    private func use(_ server: EtcdUnderTest) async throws {
        let locks = EtcdLock(
            .init(
                endpoints: ["http://127.0.0.1:1", "http://127.0.0.1:\(server.port)"], connectTimeout: .seconds(10), requestTimeout: .seconds(10)),
            clock: SystemClock(), logger: Logger(label: "etcd-lock-tests", factory: { _ in SwiftLogNoOpLogHandler() }))
        // The first endpoint is nobody's; after it has failed the second is asked.
        _ = try? await locks.check()
        #expect(try await !locks.check().isEmpty)
        let holder = HolderIdentity.current(gateway: "g", purpose: "test")
        guard case .granted(let lease) = try await locks.acquire(.account("spot1"), owner: .random(), ttl: .seconds(60), holder: holder) else {
            Issue.record("not granted")
            return
        }
        #expect(try await locks.list(prefix: "account_lock:").map(\.resource) == [.account("spot1")])
        #expect(try await locks.release(lease) == .released)
    }

    @Test func `lease numbers come from the owner token and are never zero or negative`() {
        for _ in 0..<1000 {
            let numbers = OwnerToken.random().leaseNumbers
            #expect(numbers.count == 2 && numbers[0] > 0 && numbers[1] > 0 && numbers[0] != numbers[1])
        }
        #expect(OwnerToken(rawValue: String(repeating: "0", count: 32)).leaseNumbers == [1, 2])
        let owner = OwnerToken.random()
        #expect(owner.leaseNumbers == OwnerToken(rawValue: owner.rawValue).leaseNumbers)
    }
}
