import Foundation

/// How fast this disk makes data durable; no durable figure says anything without it.
enum Disk {
    /// Writes of 4 KiB, each followed by `fdatasync`, per second.
    static func syncsPerSecond(in folder: String) throws -> Double {
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
        let start = clock.now
        var count = 0
        while clock.now - start < .seconds(2) {
            guard pwrite(file, page, page.count, off_t(count % pages * page.count)) == page.count, fdatasync(file) == 0 else {
                throw BenchError("\(path) cannot be synced")
            }
            count += 1
        }
        return Double(count) / ((clock.now - start) / .seconds(1))
    }
}
