/// A block of IP addresses: `52.89.214.238`, `10.0.0.0/8` or `2001:db8::/32`.
///
/// An IPv4 address in IPv6 form (`::ffff:1.2.3.4`) is the IPv4 address.
public struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    private let network: [UInt8]
    private let prefixLength: Int

    /// Nil if the text is not an address or a block in CIDR notation.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = Self.bytes(of: String(parts[0])) else { return nil }
        var length = address.count * 8
        if parts.count == 2 {
            guard let stated = Int(parts[1]), stated >= 0, stated <= length, parts[1].allSatisfy(\.isNumber) else { return nil }
            length = stated
        }
        prefixLength = length
        network = Self.masked(address, length)
    }

    public func contains(_ address: String) -> Bool {
        guard let bytes = Self.bytes(of: address), bytes.count == network.count else { return false }
        return Self.masked(bytes, prefixLength) == network
    }

    /// TradingView's senders. Source: TradingView help, "How to configure webhook alerts", read 2026-11-21.
    public static let tradingView = ["52.89.214.238", "34.212.75.30", "54.218.53.128", "52.32.178.7"].compactMap(AddressRange.init)

    public var description: String {
        let text =
            network.count == 4
            ? network.map(String.init).joined(separator: ".")
            : stride(from: 0, to: 16, by: 2).map { String(UInt16(network[$0]) << 8 | UInt16(network[$0 + 1]), radix: 16) }.joined(separator: ":")
        return prefixLength == network.count * 8 ? text : "\(text)/\(prefixLength)"
    }

    private static func masked(_ bytes: [UInt8], _ length: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let bits = min(max(length - index * 8, 0), 8)
            return bits == 8 ? byte : byte & ~(UInt8(0xFF) >> UInt8(bits))
        }
    }

    /// 4 or 16 bytes, or nil. A zone such as `%eth0` is not part of an address.
    static func bytes(of text: String) -> [UInt8]? {
        if !text.contains(":") { return ipv4(Substring(text)) }
        var head = Substring(text)
        var tail: [UInt8] = []
        if let dot = text.firstIndex(of: "."), let colon = text[..<dot].lastIndex(of: ":") {
            guard let last = ipv4(text[text.index(after: colon)...]) else { return nil }
            tail = last
            head = text[...colon]
            // Keep a double colon whole, drop a single one.
            if !head.hasSuffix("::") { head = head.dropLast() }
        }
        let halves = head.components(separatedByDoubleColon: ())
        guard halves.count <= 2 else { return nil }
        var parsed: [[UInt8]] = []
        for half in halves {
            var bytes: [UInt8] = []
            if !half.isEmpty {
                for group in half.split(separator: ":", omittingEmptySubsequences: false) {
                    guard !group.isEmpty, group.count <= 4, let value = UInt16(group, radix: 16), !group.hasPrefix("+") else { return nil }
                    bytes += [UInt8(value >> 8), UInt8(value & 0xFF)]
                }
            }
            parsed.append(bytes)
        }
        let known = parsed.reduce(0) { $0 + $1.count } + tail.count
        var bytes: [UInt8]
        if parsed.count == 2 {
            guard known <= 14 else { return nil }
            bytes = parsed[0] + [UInt8](repeating: 0, count: 16 - known) + parsed[1] + tail
        } else {
            guard known == 16 else { return nil }
            bytes = (parsed.first ?? []) + tail
        }
        let mapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        if mapped { bytes = Array(bytes.suffix(4)) }
        return bytes
    }

    private static func ipv4(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard !part.isEmpty, part.count <= 3, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let byte = UInt8(part) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}

extension Substring {
    fileprivate func components(separatedByDoubleColon: Void) -> [Substring] {
        var parts: [Substring] = []
        var rest = self
        while let range = rest.firstRange(of: "::") {
            parts.append(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
        }
        return parts + [rest]
    }
}
