import Foundation

/// A certificate authority and a server certificate for `localhost` and `127.0.0.1`, made with openssl in a folder.
struct TestCertificates {
    struct Failed: Error { let output: String }

    let authority: String
    let certificate: String
    let key: String
    /// For `localhost` as well, signed by itself.
    let stranger: (certificate: String, key: String)

    init(in folder: URL) throws {
        let path = { (name: String) in folder.appending(path: name).path() }
        authority = path("ca.pem")
        certificate = path("server.pem")
        key = path("server.key")
        try Data("subjectAltName=DNS:localhost,IP:127.0.0.1\n".utf8).write(to: folder.appending(path: "names.txt"))
        let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        try Self.openssl(
            ["req", "-x509"] + newKey + ["-keyout", path("ca.key"), "-out", authority, "-days", "2", "-subj", "/CN=Turnstile test authority"])
        try Self.openssl(
            ["req", "-x509"] + newKey + [
                "-keyout", path("stranger.key"), "-out", path("stranger.pem"), "-days", "2", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost",
            ])
        stranger = (path("stranger.pem"), path("stranger.key"))
        try Self.openssl(["req"] + newKey + ["-keyout", key, "-out", path("server.csr"), "-subj", "/CN=localhost"])
        try Self.openssl(
            [
                "x509", "-req", "-in", path("server.csr"), "-CA", authority, "-CAkey", path("ca.key"), "-CAcreateserial", "-out", certificate,
                "-days", "2", "-extfile", path("names.txt"),
            ])
    }

    private static func openssl(_ arguments: [String]) throws {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(output: String(decoding: output, as: UTF8.self)) }
    }
}
