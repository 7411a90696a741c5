import Foundation
import Synchronization

/// A real process of our own executable, with its output collected. Ended by pid, never by name.
public final class ProcessUnderTest: Sendable {
    // Foundation's Process is used under the lock only.
    private let process: Mutex<Process>
    private let output = Mutex("")
    /// Two that start at the same moment would inherit each other's descriptors, and the end of one would stay unseen as long as the other lives.
    private static let starting = Mutex(())
    public let pid: Int32

    /// The folder of the built executables: what `TURNSTILE_EXECUTABLES` states, or else where the test bundle lies.
    public static var executables: String {
        if let stated = ProcessInfo.processInfo.environment["TURNSTILE_EXECUTABLES"] { return stated }
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return (own as NSString).deletingLastPathComponent
    }

    public init(_ executable: String, _ arguments: [String], environment: [String: String] = [:], folder: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try Self.starting.withLock { _ in try process.run() }
        pid = process.processIdentifier
        self.process = Mutex(process)
        // A thread of its own instead of a `readabilityHandler`: those damage Dispatch's table of descriptors when many come and go. Source:
        // swift-corelibs-libdispatch, issue 949.
        let reader = pipe.fileHandleForReading
        Thread.detachNewThread { [weak self] in
            while true {
                let data = reader.availableData
                guard !data.isEmpty else { return }
                self?.output.withLock { output in
                    output += String(decoding: data, as: UTF8.self)
                    if output.utf8.count > 2_000_000 { output = String(output.suffix(1_000_000)) }
                }
            }
        }
    }

    public var text: String { output.withLock { $0 } }
    public var isRunning: Bool { process.withLock { $0.isRunning } }

    /// The signal that ended it, or nil.
    public var endingSignal: Int32? {
        process.withLock { $0.isRunning || $0.terminationReason != .uncaughtSignal ? nil : $0.terminationStatus }
    }
    public var exitCode: Int32? {
        process.withLock { $0.isRunning || $0.terminationReason != .exit ? nil : $0.terminationStatus }
    }

    /// Whether it stands still after SIGSTOP. Source: proc(5), `/proc/pid/stat`, the state after the name.
    public var isStopped: Bool {
        let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return stat.split(separator: ")").last?.split(separator: " ").first == "T"
    }

    public func send(_ signal: Int32) { if isRunning { kill(pid, signal) } }

    /// Ends it at once and waits for that.
    public func kill9() async throws {
        send(SIGKILL)
        try await waitUntil("process \(pid) ended") { !self.isRunning }
    }

    deinit {
        let pid = pid
        process.withLock { if $0.isRunning { kill(pid, SIGKILL) } }
    }
}

public struct TimedOut: Error, CustomStringConvertible {
    public let description: String
    public init(description: String) { self.description = description }
}

/// Polls until `condition` holds, or throws ``TimedOut``.
public func waitUntil(_ what: String, within limit: Duration = .seconds(60), _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    throw TimedOut(description: "not within \(limit): \(what)")
}
