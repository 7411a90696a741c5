import Foundation

#if canImport(Glibc)
    import Glibc
#endif

extension HolderIdentity {
    /// This process, read from `/proc`.
    ///
    /// In a container of its own process numbers, `host` also names the process namespace: the same number means another process there.
    /// What cannot be read stays empty, and a holder with an empty field is never proven dead.
    public static func current(gateway: String, purpose: String) -> HolderIdentity {
        HolderIdentity(
            gateway: gateway, host: ProcessFacts.host(), processID: getpid(), processStart: ProcessFacts.start(of: getpid()) ?? 0,
            bootID: ProcessFacts.bootID(), purpose: purpose)
    }
}

extension HolderIdentity {
    /// The same for one process, whatever it holds.
    public var processKey: String { "\(gateway)/\(host)/\(bootID)/\(processID)/\(processStart)" }

    public func isSameProcess(as other: HolderIdentity) -> Bool { processKey == other.processKey }

    /// Whether it ran in this boot of this machine, so that its monotonic instants compare with ours. In doubt false.
    public var isOfThisBoot: Bool { !bootID.isEmpty && bootID == ProcessFacts.bootID() }
}

/// Tells a dead holder from one that is only slow.
public enum ProcessLiveness {
    /// True only if the process ran on this host, in this boot and process namespace, and is gone for certain. In doubt false.
    ///
    /// A process that ended but was not yet collected by its parent counts as alive.
    public static func isProvenDead(_ identity: HolderIdentity) -> Bool {
        guard canBeSeen(identity) else { return false }
        if let start = ProcessFacts.start(of: identity.processID) { return start != identity.processStart }
        // `/proc` may hide the processes of other users (mount option hidepid); the kernel's answer to signal 0 does not.
        return kill(identity.processID, 0) == -1 && errno == ESRCH
    }

    /// True only if the process runs on this host, in this boot and process namespace, stopped or not. In doubt false.
    public static func isProvenAlive(_ identity: HolderIdentity) -> Bool {
        guard canBeSeen(identity), let facts = ProcessFacts.stat(of: identity.processID) else { return false }
        return facts.start == identity.processStart && !facts.hasEnded
    }

    private static func canBeSeen(_ identity: HolderIdentity) -> Bool {
        !identity.bootID.isEmpty && !identity.host.isEmpty && identity.processID > 0 && identity.processStart > 0
            && identity.bootID == ProcessFacts.bootID() && identity.host == ProcessFacts.host()
    }
}

enum ProcessFacts {
    /// Inode of the first process namespace. Source: Linux, `include/linux/proc_ns.h`, `PROC_PID_INIT_INO`.
    private static let initialNamespace = "pid:[4026531836]"

    static func bootID() -> String {
        (read("/proc/sys/kernel/random/boot_id") ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    static func host() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard let namespace = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid"),
            namespace != initialNamespace
        else { return name }
        return "\(name)/\(namespace)"
    }

    static func start(of process: Int32) -> UInt64? { stat(of: process)?.start }

    /// Fields 3 and 22 of `/proc/<pid>/stat`; nil if there is no such process or it cannot be read. Who has ended stays there until his
    /// parent collects him.
    static func stat(of process: Int32) -> (start: UInt64, hasEnded: Bool)? {
        // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
        guard let text = read("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let start = UInt64(fields[19]) else { return nil }
        return (start, ["Z", "X", "x"].contains(fields[0]))
    }

    /// Files under `/proc` report a size of zero, so they are read until their end.
    private static func read(_ path: String) -> String? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let data = try? file.readToEnd() else { return nil }
        return String(decoding: data, as: UTF8.self)
    }
}
