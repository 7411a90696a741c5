import Synchronization

/// Makes signals that differ: each has an `alert_id` of its own.
struct Signals: Sendable {
    /// Tells the signals of one measurement from those of another.
    let run: String
    /// Taken in turn.
    let strategies: Int

    /// A market order of 12 quote units, above the venue's least notional.
    func body(_ number: Int) -> String {
        "{\"v\":1,\"strategy\":\"s\(number % strategies)\",\"symbol\":\"BTCUSD\",\"action\":\"buy\",\"quantity\":\"0.0002\",\"alert_id\":\"\(run)-\(number)\"}"
    }
    static let path = "/hooks/bench/\(Rig.secret)"

    /// A script for wrk. Each of its threads counts for itself.
    ///
    /// - Parameters:
    ///   - head: The request's first line.
    ///   - hasBody: Without one, the same text travels in a header, so that wrk works as hard for both.
    func wrkScript(_ head: String, hasBody: Bool) -> String {
        let before = #"{"v":1,"strategy":"s0","symbol":"BTCUSD","action":"buy","quantity":"0.0002","alert_id":"\#(run)-"#
        let length = before.utf8.count + 11 + 2
        let text = hasBody
            ? "Content-Type: application/json\\r\\nContent-Length: \(length)\\r\\n\\r\\n\(before.luaQuoted)"
            : "X-Note: \(before.luaQuoted)"
        let end = hasBody ? "\\\"}" : "\\\"}\\r\\n\\r\\n"
        return """
            local threads = 0
            function setup(thread) thread:set("id", threads); threads = threads + 1 end
            function init(args) number = 0 end
            local before = "\(head) HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\(text)"
            function request()
              number = number + 1
              return before .. string.format("%02d%09d", id, number) .. "\(end)"
            end

            """
    }
}

extension String {
    fileprivate var luaQuoted: String { replacing("\"", with: "\\\"") }
}
