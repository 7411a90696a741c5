import Foundation
import TradingModel

#if canImport(Glibc)
    import Glibc
#endif

/// Where a server of a test runs: on this host's loopback, or behind a link that can be cut.
public struct ServerPlace: Sendable {
    /// The address that it listens on, and that clients use.
    public let host: String
    /// Words before its command.
    let prefix: [String]

    public static let loopback = ServerPlace(host: "127.0.0.1", prefix: [])

    init(host: String, prefix: [String]) {
        self.host = host
        self.prefix = prefix
    }

    /// The program's path, with what must stand before it.
    func command(_ program: String, _ arguments: [String]) -> (executable: String, arguments: [String]) {
        guard let first = prefix.first else { return (program, arguments) }
        return (first, prefix.dropFirst() + [program] + arguments)
    }
}

/// A Linux network namespace that is joined to this host by one link of its own. With the link down, packets of both directions vanish: no
/// reset, no close, as when a cable is pulled. Needs root; made by `ip` of the package iproute2. A test that is killed leaves its namespace
/// behind: `ip netns list` shows it as `turnstile-…`.
public final class NetworkNamespace: Sendable {
    private let name: String
    private let link: String
    private let program: String
    public let place: ServerPlace

    private init(name: String, link: String, address: String, program: String) {
        self.name = name
        self.link = link
        self.program = program
        place = ServerPlace(host: address, prefix: [program, "netns", "exec", name])
    }

    /// Whether this process may make one: some containers refuse it to root too.
    public static func isAvailable() async -> Bool {
        guard getuid() == 0, let probe = try? await make() else { return false }
        await probe.remove()
        return true
    }

    public static func make() async throws -> NetworkNamespace {
        guard let program = ServerProcess.find("ip") else { throw ControlFailure("ip is not installed: package iproute2") }
        // Private addresses, a small net for each; somebody else on this machine may use some.
        let net = Int.random(in: 0..<16384)
        let (outer, inner) = ("10.231.\(net / 64).\(net % 64 * 4 + 1)", "10.231.\(net / 64).\(net % 64 * 4 + 2)")
        let tag = String(net, radix: 36) + String(getpid(), radix: 36)
        let space = NetworkNamespace(name: "turnstile-\(tag)", link: "ts\(tag)", address: inner, program: program)
        let (peer, name) = ("tp\(tag)", space.name)
        do {
            try await space.ip("netns", "add", name)
            try await space.ip("link", "add", space.link, "type", "veth", "peer", "name", peer)
            try await space.ip("link", "set", peer, "netns", name)
            try await space.ip("addr", "add", "\(outer)/30", "dev", space.link)
            try await space.ip("link", "set", space.link, "up")
            try await space.ip("netns", "exec", name, program, "addr", "add", "\(inner)/30", "dev", peer)
            try await space.ip("netns", "exec", name, program, "link", "set", peer, "up")
            try await space.ip("netns", "exec", name, program, "link", "set", "lo", "up")
        } catch {
            await space.remove()
            throw error
        }
        return space
    }

    public func setLink(up isUp: Bool) async throws { try await ip("link", "set", link, isUp ? "up" : "down") }

    /// The link goes with the namespace. Whatever ran there must have ended.
    public func remove() async { try? await ip("netns", "del", name) }

    private func ip(_ arguments: String...) async throws {
        let folder = try makeServerFolder("ip")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let process = try ServerProcess(program, arguments, folder: folder)
        try await eventually("ip \(arguments) ends") { !process.isRunning }
        guard process.exitCode == 0 else { throw ControlFailure("ip \(arguments): \(process.log.suffix(500))") }
    }
}
