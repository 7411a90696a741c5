#if FAILPOINTS
    import Foundation

    #if canImport(Glibc)
        import Glibc
    #endif

    /// The armed point, read once: `TURNSTILE_FAILPOINT=name:action[:count]`.
    ///
    /// `action` is `kill` (SIGKILL to this process), `stop` (SIGSTOP) or `sleep=<milliseconds>`; it happens at the `count`-th
    /// passage (default the first) and never again. With `TURNSTILE_FAILPOINT_LOG=<file>` each point's first passage appends its name there.
    private struct Arming: Sendable {
        enum Action: Sendable { case kill, stop, sleep(UInt32) }
        let name: String
        let action: Action
        let count: Int

        init?(_ text: String) {
            let parts = text.split(separator: ":").map(String.init)
            guard parts.count >= 2 else { return nil }
            name = parts[0]
            count = parts.count > 2 ? Int(parts[2]) ?? 1 : 1
            switch parts[1] {
            case "kill": action = .kill
            case "stop": action = .stop
            case let text where text.hasPrefix("sleep="): action = .sleep(UInt32(text.dropFirst(6)) ?? 0)
            default: return nil
            }
        }

        static let current = ProcessInfo.processInfo.environment["TURNSTILE_FAILPOINT"].flatMap(Arming.init)
        static let log = ProcessInfo.processInfo.environment["TURNSTILE_FAILPOINT_LOG"]
    }

    private let lock = NSLock()
    // Guarded by `lock`.
    nonisolated(unsafe) private var passages: [String: Int] = [:]

    /// A named place at which a test can end or halt the process. Compiled to nothing unless the `FailPoints` trait is on.
    public func failPoint(_ name: StaticString) {
        let name = name.description
        guard Arming.current != nil || Arming.log != nil else { return }
        let passage = lock.withLock {
            passages[name, default: 0] += 1
            return passages[name] ?? 0
        }
        if passage == 1, let path = Arming.log {
            let file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            _ = (name + "\n").withCString { write(file, $0, strlen($0)) }
            close(file)
        }
        guard let armed = Arming.current, armed.name == name, armed.count == passage else { return }
        switch armed.action {
        case .kill: kill(getpid(), SIGKILL)
        case .stop: kill(getpid(), SIGSTOP)
        case .sleep(let milliseconds): usleep(milliseconds * 1000)
        }
    }
#else
    /// A named place at which a test can end or halt the process. Compiled to nothing unless the `FailPoints` trait is on.
    @inline(__always) public func failPoint(_ name: StaticString) {}
#endif
