import Foundation

/// Moves the wall clock of one server process, by a library that is loaded before the C library.
public struct ClockShim: Sendable {
    private let folder: String
    /// What the server's process is started with.
    public var environment: [String: String] { ["LD_PRELOAD": folder + "/clockshim.so", "CLOCKSHIM_FILE": folder + "/offset"] }

    /// Compiles the library with the machine's C compiler.
    ///
    /// - Parameter source: Path of `clockshim.c`.
    public static func make(source: String) throws -> ClockShim {
        guard let compiler = ServerProcess.find("cc") ?? ServerProcess.find("clang") else { throw ControlFailure("there is no C compiler") }
        let shim = ClockShim(folder: try makeServerFolder("clockshim"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: compiler)
        process.arguments = ["-O1", "-fPIC", "-shared", "-o", shim.folder + "/clockshim.so", source, "-ldl"]
        let output = Pipe()
        process.standardError = output
        try process.run()
        let words = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw ControlFailure("\(compiler): \(String(decoding: words, as: UTF8.self))") }
        try shim.jump(to: .zero)
        return shim
    }

    /// From now on the wall clock is so far ahead of the machine's, in whole seconds.
    public func jump(to offset: Duration) throws {
        try "\(offset.components.seconds)".write(toFile: folder + "/offset", atomically: true, encoding: .utf8)
    }

    /// Lets a server that runs as another user read it.
    public func open() throws { try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder) }

    public func remove() { try? FileManager.default.removeItem(atPath: folder) }
}
