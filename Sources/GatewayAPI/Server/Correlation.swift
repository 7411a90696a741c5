import HTTPTypes

/// The ids by which a request is found again in logs, journal and traces.
struct Correlation {
    static let requestIDHeader = HTTPField.Name("X-Request-ID")
    private static let traceparentHeader = HTTPField.Name("traceparent")

    let requestID: String
    let traceparent: String?

    /// Takes over what the sender states if it is well-formed; mints a request id otherwise.
    init(_ headers: HTTPFields) {
        let stated = Self.requestIDHeader.flatMap { headers[$0] }
        requestID = stated.flatMap { Self.isSane($0) ? $0 : nil } ?? Self.mint()
        traceparent = Self.traceparentHeader.flatMap { headers[$0] }.flatMap { Self.isTraceparent($0) ? $0 : nil }
    }

    /// 1 to 128 characters that are safe in a log line, a header and a URL.
    static func isSane(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            }
    }

    /// Version 00 of the header. Source: W3C Trace Context, section 3.2 "traceparent Header".
    static func isTraceparent(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "00", parts[1].utf8.count == 32, parts[2].utf8.count == 16, parts[3].utf8.count == 2 else {
            return false
        }
        let isHex = parts.allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) } }
        return isHex && parts[1].contains { $0 != "0" } && parts[2].contains { $0 != "0" }
    }

    /// 128 random bits in hex.
    private static func mint() -> String {
        func hex(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }
        return hex(.random(in: .min ... .max)) + hex(.random(in: .min ... .max))
    }
}
