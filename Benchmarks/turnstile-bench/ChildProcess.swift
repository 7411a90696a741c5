import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// What a measurement could not do, in words for whoever runs it.
struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A server that this program started. Its output goes to a file.
struct ChildProcess: Sendable {
    private let process: Process
    private let log: String

    init(_ executable: String, _ arguments: [String], log: String) throws {
        guard FileManager.default.createFile(atPath: log, contents: nil), let output = FileHandle(forWritingAtPath: log) else {
            throw BenchError("\(log) cannot be written")
        }
        process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        self.log = log
        try process.run()
    }

    /// The port that the server says it listens on, within 60 s.
    func port() async throws -> Int {
        for _ in 0..<1200 {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            if let match = text.firstMatch(of: #/listening on http://127\.0\.0\.1:(\d+)/#), let port = Int(match.1) { return port }
            guard process.isRunning else { throw BenchError("a server ended at once: \(text.suffix(500))") }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw BenchError("a server did not listen within 60 s; its log is \(log)")
    }

    /// Resident memory in megabytes, as the kernel counts it.
    var residentMegabytes: Double {
        let status = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
        guard let match = status.firstMatch(of: #/VmRSS:\s+(\d+) kB/#), let kilobytes = Double(match.1) else { return .nan }
        return kilobytes / 1024
    }

    /// Processor time that the server has used so far, in seconds, of all its threads. Source: proc(5), `/proc/pid/stat`, fields 14 and 15.
    var processorSeconds: Double {
        let stat = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)) ?? ""
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return .nan }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Asks the server to stop, and makes it stop after 30 s.
    func stop() async {
        process.terminate()
        for _ in 0..<600 where process.isRunning { try? await Task.sleep(for: .milliseconds(50)) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }
}

/// Runs a program to its end and returns what it printed.
func output(of executable: String, _ arguments: [String]) async throws -> String {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [executable] + arguments
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Result { try pipe.fileHandleForReading.readToEnd() ?? Data() }) }
    }
    process.waitUntilExit()
    let text = String(decoding: data, as: UTF8.self)
    guard process.terminationStatus == 0 else { throw BenchError("\(executable) failed: \(text.suffix(500))") }
    return text
}
