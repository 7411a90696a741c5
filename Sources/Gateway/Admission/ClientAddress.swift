/// Who sent a request, seen through the proxies that we trust.
enum ClientAddress {
    /// The peer's address, or, if the peer is a trusted proxy, the last address of `X-Forwarded-For` that is not one itself.
    ///
    /// Entries are read from the right, because everything left of the first untrusted one may be invented by the sender.
    static func of(peer: String, forwardedFor: String?, trusted: [AddressRange]) -> String {
        guard isTrusted(peer, trusted), let forwardedFor else { return peer }
        var candidate = peer
        for entry in forwardedFor.split(separator: ",").reversed().prefix(32) {
            let address = entry.trimmingSpaces
            guard AddressRange.bytes(of: address) != nil else { return candidate }
            candidate = address
            guard isTrusted(address, trusted) else { return candidate }
        }
        return candidate
    }

    private static func isTrusted(_ address: String, _ trusted: [AddressRange]) -> Bool { trusted.contains { $0.contains(address) } }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        var text = self
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }
}
