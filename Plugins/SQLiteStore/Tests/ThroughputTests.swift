import Foundation
import StoreContract
import Testing
import TradingModel

@testable import SQLiteStore

#if canImport(Glibc)
    import Glibc
#endif

/// By hand: `TURNSTILE_THROUGHPUT=1 swift test -c release --filter ThroughputTests`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["TURNSTILE_THROUGHPUT"] != nil), .serialized)
struct ThroughputTests {
    @Test(arguments: [1, 8, 32, 128, 512]) func `durable admissions per second`(callers: Int) async throws {
        try await StoreFixture.run { fixture async throws in
            let each = max(20_000 / max(callers, 8), 30)
            let begin = ContinuousClock.now
            await withTaskGroup(of: Void.self) { group in
                for caller in 0..<callers {
                    group.addTask { for number in 0..<each { _ = try? await fixture.admitOrder("\(caller)-\(number)") } }
                }
            }
            let elapsed = (ContinuousClock.now - begin) / .seconds(1)
            #expect(try await fixture.count("orders") == callers * each)
            print("\(callers) callers: \(Int(Double(callers * each) / elapsed)) admissions/s")
        }
    }

    @Test func `syncs of the disk per second`() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sync-\(UUID().uuidString)").path
        let file = open(path, O_RDWR | O_CREAT, 0o600)
        defer {
            close(file)
            unlink(path)
        }
        let page = [UInt8](repeating: 1, count: 4096)
        let begin = ContinuousClock.now
        for _ in 0..<2000 {
            _ = page.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            fdatasync(file)
        }
        print("fdatasync: \(Int(2000 / ((ContinuousClock.now - begin) / .seconds(1))))/s")
    }
}
