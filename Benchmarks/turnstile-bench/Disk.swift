import Foundation
import Histogram

/// How fast this disk makes data durable; no durable figure says anything without it.
enum Disk {
    /// Writes of 4 KiB, each followed by `fdatasync`, per second.
    static func syncsPerSecond(in folder: String) throws -> Double {
        let latency = try syncLatency(in: folder)
        return Double(latency.totalCount) / syncSeconds
    }

    private static let syncSeconds = 2.0

    /// How long each of them takes, in microseconds.
    static func syncLatency(in folder: String) throws -> Histogram<UInt64> {
        let path = "\(folder)/sync-test"
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw BenchError("\(path) cannot be written") }
        defer {
            close(file)
            unlink(path)
        }
        let page = [UInt8](repeating: 1, count: 4096)
        // Written once before, as SQLite's log is used again: what is measured is the sync, not the growth of a file.
        let pages = 1000
        for index in 0..<pages { guard pwrite(file, page, page.count, off_t(index * page.count)) == page.count else { throw BenchError("the disk is full") } }
        fsync(file)
        let clock = ContinuousClock()
        let end = clock.now + .seconds(syncSeconds)
        var latency = emptyHistogram()
        var count = 0
        while true {
            let start = clock.now
            guard start < end else { return latency }
            guard pwrite(file, page, page.count, off_t(count % pages * page.count)) == page.count, fdatasync(file) == 0 else {
                throw BenchError("\(path) cannot be synced")
            }
            latency.record(microseconds(clock.now - start))
            count += 1
        }
    }
}
