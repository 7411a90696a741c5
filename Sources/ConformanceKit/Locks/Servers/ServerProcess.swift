import Foundation
import Synchronization
import TradingModel

#if canImport(Glibc)
    import Glibc
#endif

/// A server of the machine as a child process with a folder of its own. Ended by its process number, never by its name.
final class ServerProcess: Sendable {
    // Foundation's Process is used under the lock only.
    private let process: Mutex<Process>
    let pid: Int32
    private let logPath: String

    init(_ executable: String, _ arguments: [String], environment: [String: String] = [:], folder: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        logPath = folder + "/server.log"
        if !FileManager.default.fileExists(atPath: logPath) { FileManager.default.createFile(atPath: logPath, contents: nil) }
        let log = try FileHandle(forWritingTo: URL(fileURLWithPath: logPath))
        try log.seekToEnd()
        process.standardOutput = log
        process.standardError = log
        process.standardInput = FileHandle.nullDevice
        try process.run()
        try? log.close()
        pid = process.processIdentifier
        self.process = Mutex(process)
    }

    var isRunning: Bool { process.withLock { $0.isRunning } }
    var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    func send(_ signal: Int32) { if isRunning { _ = kill(pid, signal) } }

    /// Ends it at once and waits for that.
    func end() async throws {
        send(SIGCONT)
        send(SIGKILL)
        try await eventually("process \(pid) ends") { !self.isRunning }
    }

    deinit { if isRunning { _ = kill(pid, SIGKILL) } }

    /// The program's path, looked up as a shell does and in the folders of system programs.
    static func find(_ program: String) -> String? {
        let paths = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init) + ["/usr/local/bin", "/usr/bin", "/usr/sbin"]
        return paths.map { $0 + "/" + program }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

/// Polls until it holds; a machine may be slow.
func eventually(_ what: String, within limit: Duration = .seconds(60), _ condition: () async throws -> Bool) async throws {
    let clock = SystemClock()
    let end = clock.monotonic + limit
    while clock.monotonic < end {
        if try await condition() { return }
        try await clock.sleep(for: .milliseconds(20))
    }
    throw ControlFailure("not within \(limit): \(what)")
}

/// A folder that a server has for itself.
func makeServerFolder(_ name: String) throws -> String {
    let path = FileManager.default.temporaryDirectory.appending(path: "\(name)-\(UUID().uuidString)").path()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
}
