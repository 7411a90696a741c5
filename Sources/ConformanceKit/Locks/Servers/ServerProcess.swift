import Foundation
import Synchronization
import TradingModel

#if canImport(Glibc)
    import Glibc
#endif

/// A server of the machine as a child process with a folder of its own. Ended by its process number, never by its name.
///
/// Not Foundation's `Process`: there the end of one child may stay unseen as long as another lives that was started at the same time.
final class ServerProcess: Sendable {
    let pid: Int32
    private let logPath: String
    /// How it ended, as `waitpid` tells it, once that was collected; until then its number is nobody else's.
    private let ending = Mutex<Int32?>(nil)

    init(_ executable: String, _ arguments: [String], environment: [String: String] = [:], folder: String) throws {
        logPath = folder + "/server.log"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // A child that inherits a socket keeps it open after this program has closed it: the peer would never learn of the end, and a
        // listener that is closed here would go on taking connections that nobody serves.
        for descriptor in 3..<Self.endOfDescriptors { posix_spawn_file_actions_addclose(&actions, descriptor) }
        // The threads of this program block signals; a child must not inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0.key)=\($0.value)" }
        var argv = ([executable] + arguments).map { strdup($0) } + [nil]
        var envp = variables.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var number = pid_t()
        let result = posix_spawn(&number, executable, &actions, &attributes, &argv, &envp)
        guard result == 0 else { throw ControlFailure("\(executable): \(String(cString: strerror(result)))") }
        pid = number
    }

    /// Above every descriptor of this program, with room for those that are opened meanwhile; closing one that is not open does nothing.
    private static var endOfDescriptors: Int32 {
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return (open.compactMap { Int32($0) }.max() ?? 1024) + 256
    }

    var isRunning: Bool {
        ending.withLock { ending in
            var status: Int32 = 0
            if ending == nil, waitpid(pid, &status, WNOHANG) != 0 { ending = status }
            return ending == nil
        }
    }

    /// Nil while it runs, and if a signal ended it.
    var exitCode: Int32? { isRunning ? nil : ending.withLock { $0.flatMap { $0 & 0x7F == 0 ? $0 >> 8 & 0xFF : nil } } }

    var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    func send(_ signal: Int32) { if isRunning { _ = kill(pid, signal) } }

    /// Ends it at once and waits for that.
    func end() async throws {
        send(SIGCONT)
        send(SIGKILL)
        try await eventually("process \(pid) ends") { !self.isRunning }
    }

    deinit {
        guard isRunning else { return }
        _ = kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

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
