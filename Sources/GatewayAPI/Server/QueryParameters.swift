import Hummingbird
import HummingbirdCore

/// The query of one request, read strictly: every parameter must be known, stand once, and have a good value.
struct QueryParameters {
    private var values: [String: String] = [:]

    init(_ request: Request, known: Set<String>) throws(Problem) { try self.init(request.uri, known: known) }

    /// - Parameter query: What follows the question mark, as sent.
    init(_ query: String, known: Set<String>) throws(Problem) { try self.init(URI("/?\(query)"), known: known) }

    private init(_ uri: URI, known: Set<String>) throws(Problem) {
        for (key, value) in uri.queryParameters {
            let name = String(key)
            guard known.contains(name) else {
                let list = known.isEmpty ? "none" : known.sorted().joined(separator: ", ")
                throw Problem(
                    status: .badRequest, code: "unknown_parameter", detail: "Unknown query parameter. Known here: \(list).",
                    parameter: String(name.prefix(64)))
            }
            guard values.updateValue(String(value), forKey: name) == nil else {
                throw .badParameter(name, "The query parameter \(name) stands twice.")
            }
        }
    }

    /// Nil if the parameter is absent; an empty value is an error.
    func text(_ name: String) throws(Problem) -> String? {
        guard let value = values[name] else { return nil }
        guard !value.isEmpty, value.utf8.count <= 256 else { throw .badParameter(name, "\(name) must have 1 to 256 characters.") }
        return value
    }

    func number<Number: FixedWidthInteger>(_ name: String, in range: ClosedRange<Number>) throws(Problem) -> Number? {
        guard let value = values[name] else { return nil }
        guard let number = Number(value), range.contains(number), value.first != "+" else {
            throw .badParameter(name, "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    /// True for `true` and for the bare name; false when absent.
    func flag(_ name: String) throws(Problem) -> Bool {
        switch values[name] {
        case nil, "false": return false
        case "", "true": return true
        default: throw .badParameter(name, "\(name) must be true or false.")
        }
    }

    /// Comma-separated words, each turned into a value; nil if the parameter is absent.
    func list<Value>(_ name: String, _ expectation: String, _ read: (String) -> Value?) throws(Problem) -> [Value]? {
        guard let text = try text(name) else { return nil }
        var list: [Value] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let value = read(String(word)) else { throw .badParameter(name, "\(name) must be \(expectation).") }
            list.append(value)
        }
        return list
    }
}
