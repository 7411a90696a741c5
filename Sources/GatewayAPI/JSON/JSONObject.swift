import TradingModel

/// Builds one JSON object as text, keys in the order in which they are added.
///
/// Written by hand so that decimals stay text and stored JSON goes through unread.
struct JSONObject {
    private var text = "{"

    init() { text.reserveCapacity(512) }

    /// The finished object.
    var json: String { text + "}" }

    /// A string, or `null`. Decimals, times and identifiers go this way.
    mutating func add(_ key: StaticString, _ value: (some CustomStringConvertible)?) {
        begin(key)
        if let value { text.appendJSONString(value.description) } else { text += "null" }
    }

    /// A whole number, or `null`.
    mutating func add(_ key: StaticString, number: (some BinaryInteger)?) {
        begin(key)
        text += number.map { String($0) } ?? "null"
    }

    mutating func add(_ key: StaticString, flag: Bool) {
        begin(key)
        text += flag ? "true" : "false"
    }

    /// A value that is JSON already, or `null`.
    mutating func add(_ key: StaticString, json: String?) {
        begin(key)
        text += json ?? "null"
    }

    /// A list of values that are JSON already.
    mutating func add(_ key: StaticString, list: some Sequence<String>) {
        begin(key)
        text += "[" + list.joined(separator: ",") + "]"
    }

    private mutating func begin(_ key: StaticString) {
        if text.utf8.count > 1 { text += "," }
        text += "\"\(key)\":"
    }
}

extension String {
    /// This text as a JSON string, quotes included.
    var jsonString: String {
        var text = ""
        text.appendJSONString(self)
        return text
    }

    fileprivate mutating func appendJSONString(_ value: String) {
        self += "\""
        if value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
            self += value
        } else {
            for scalar in value.unicodeScalars {
                switch scalar {
                case "\"": self += "\\\""
                case "\\": self += "\\\\"
                case "\n": self += "\\n"
                case "\r": self += "\\r"
                case "\t": self += "\\t"
                case _ where scalar.value < 0x20:
                    let hex = String(scalar.value, radix: 16)
                    self += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                default: unicodeScalars.append(scalar)
                }
            }
        }
        self += "\""
    }
}
