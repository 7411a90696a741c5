import Foundation

/// One run of wrk: as many requests as the server takes, over as many connections as one group commit can answer at once.
struct Wrk: Sendable {
    let perSecond: Double
    let requests: Int
    /// Answers that are neither 2xx nor 3xx, and errors of the connections.
    let failures: Int

    static let connections = 256

    static func run(_ script: String, port: Int, seconds: Int, folder: String) async throws -> Wrk {
        let file = "\(folder)/\(UUID().uuidString).lua"
        try Data(script.utf8).write(to: URL(fileURLWithPath: file))
        let text = try await output(
            of: "wrk", ["-t2", "-c\(connections)", "-d\(seconds)s", "-s", file, "http://127.0.0.1:\(port)/"])
        guard let rate = text.firstMatch(of: #/Requests/sec:\s+([0-9.]+)/#), let perSecond = Double(rate.1),
            let total = text.firstMatch(of: #/(\d+) requests in/#), let requests = Int(total.1)
        else {
            throw BenchError("wrk said something else: \(text)")
        }
        var failures = 0
        if let match = text.firstMatch(of: #/Non-2xx or 3xx responses: (\d+)/#) { failures += Int(match.1) ?? 0 }
        if let match = text.firstMatch(of: #/Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/#) {
            for count in [match.1, match.2, match.3, match.4] { failures += Int(count) ?? 0 }
        }
        return Wrk(perSecond: perSecond, requests: requests, failures: failures)
    }
}
