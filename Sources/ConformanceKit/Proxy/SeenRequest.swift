import NIOCore

/// A request that reached a proxy, at least with its first line.
public struct SeenRequest: Sendable, Hashable {
    public let method: String
    /// Without the query.
    public let path: String
    /// Head and body, as far as they came.
    public internal(set) var bytes: Int
    /// Whether it came to its end.
    public internal(set) var isWhole: Bool
}

/// Finds the end of one HTTP/1.1 message in what has come of it so far.
struct MessageFrame {
    /// No message of a venue is longer than this here; a longer one is taken as whole.
    static let limit = 64 << 20

    /// The length of the first whole message in `buffer`; nil if its end has not come.
    static func length(of buffer: ByteBuffer) -> Int? {
        let bytes = buffer.readableBytesView
        guard bytes.count < limit else { return bytes.count }
        guard let headLength = headLength(bytes) else { return nil }
        let head = String(decoding: bytes.prefix(headLength), as: UTF8.self).lowercased()
        let lines = head.split(separator: "\r\n")
        if head.hasPrefix("http/1.1 1") || head.hasPrefix("http/1.1 204") || head.hasPrefix("http/1.1 304") { return headLength }
        if lines.contains(where: { $0.hasPrefix("transfer-encoding:") && $0.contains("chunked") }) {
            let ending = Array("0\r\n\r\n".utf8)
            return bytes.count >= headLength + ending.count && bytes.suffix(ending.count).elementsEqual(ending) ? bytes.count : nil
        }
        let length = lines.first { $0.hasPrefix("content-length:") }.flatMap { Int($0.dropFirst(15).drop { $0 == " " }) } ?? 0
        return bytes.count >= headLength + length ? headLength + length : nil
    }

    /// Method and path, once the first line is whole; nil parts for what is no HTTP request.
    static func requestLine(_ buffer: ByteBuffer) -> (method: String, path: String)? {
        let bytes = buffer.readableBytesView
        guard let end = bytes.firstIndex(of: 13) else { return nil }
        let parts = String(decoding: bytes[bytes.startIndex..<end], as: UTF8.self).split(separator: " ")
        guard parts.count == 3 else { return nil }
        return (String(parts[0]), String(parts[1].prefix { $0 != "?" }))
    }

    static func isUpgrade(_ buffer: ByteBuffer) -> Bool {
        guard let headLength = headLength(buffer.readableBytesView) else { return false }
        return String(decoding: buffer.readableBytesView.prefix(headLength), as: UTF8.self).lowercased().contains("upgrade: websocket")
    }

    private static func headLength(_ bytes: ByteBufferView) -> Int? {
        var matched = 0
        let ending: [UInt8] = [13, 10, 13, 10]
        for (offset, byte) in bytes.enumerated() {
            matched = byte == ending[matched] ? matched + 1 : byte == 13 ? 1 : 0
            if matched == 4 { return offset + 1 }
        }
        return nil
    }
}
