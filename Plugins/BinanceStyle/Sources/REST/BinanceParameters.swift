import AdapterKit

/// The parameters of one request, in the order in which they are sent.
struct BinanceParameters: Sendable, ExpressibleByDictionaryLiteral {
    private(set) var pairs: [(name: String, value: String)]

    init(dictionaryLiteral elements: (String, String)...) { pairs = elements.map { ($0.0, $0.1) } }

    mutating func add(_ name: String, _ value: String?) {
        if let value { pairs.append((name, value)) }
    }

    /// As REST sends and signs it: values percent-encoded, in this order. Since 2026-01-15 the venue verifies the encoded form.
    var query: String { pairs.map { "\($0.name)=\(percentEncoded($0.value))" }.joined(separator: "&") }

    /// As the WebSocket API signs it: sorted by name, not encoded.
    var sortedRaw: String {
        pairs.sorted { $0.name < $1.name }.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }
}
