import HTTPTypes
import Hummingbird
import LockContract
import OrderFlow
import TradingModel

/// The body of what an operator decides: a flat JSON object of texts, read strictly.
struct OperatorBody {
    /// A reason is a sentence, not a report.
    private static let maximumBytes = 500

    private let texts: [String: String]

    /// Throws what can be said before a byte of the body is read.
    static func check(_ headers: HTTPFields) throws(Problem) {
        if let encoding = headers[.contentEncoding], encoding.lowercased() != "identity" { throw .encodedBody }
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > HookEndpoint.maximumBodyBytes { throw .bodyTooLarge }
    }

    init(_ bytes: [UInt8], known: Set<String>) throws(Problem) {
        let members: [JSONNode.Member]
        do throws(PayloadProblem) {
            guard case .object(let found) = try StrictJSON.parse(bytes).content else {
                throw PayloadProblem("wrong_type", "the body must be a JSON object")
            }
            members = found
        } catch {
            throw Problem(status: .badRequest, code: error.code, detail: error.message)
        }
        var texts: [String: String] = [:]
        for member in members {
            guard known.contains(member.key) else {
                throw Problem(
                    status: .badRequest, code: "unknown_field", detail: "Unknown field. Known here: \(known.sorted().joined(separator: ", ")).",
                    parameter: String(member.key.prefix(64)))
            }
            guard case .string(let text) = member.value.content else {
                throw Problem(status: .badRequest, code: "wrong_type", detail: "\(member.key) must be a text.", parameter: member.key)
            }
            texts[member.key] = text
        }
        self.texts = texts
    }

    func has(_ key: String) -> Bool { texts[key] != nil }

    /// A text that says something, on one line.
    func text(_ key: String) throws(Problem) -> String {
        let text = texts[key]?.trimmingSpaces ?? ""
        guard !text.isEmpty else { throw Problem(status: .badRequest, code: "missing_field", detail: "\(key) is required.", parameter: key) }
        guard text.utf8.count <= Self.maximumBytes else {
            throw Problem(status: .badRequest, code: "too_long", detail: "\(key) has more than \(Self.maximumBytes) bytes.", parameter: key)
        }
        guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
            throw Problem(status: .badRequest, code: "control_character", detail: "\(key) holds a control character.", parameter: key)
        }
        return text
    }

    /// A fence as the answers print it, for example `3.17`.
    func fence(_ key: String) throws(Problem) -> FencingToken {
        let parts = try text(key).split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 2, let epoch = parts[0], let counter = parts[1], epoch >= 0, counter >= 0 else {
            throw Problem(status: .badRequest, code: "invalid_number", detail: "\(key) must be a fence as the lock's status shows it, such as 3.17.", parameter: key)
        }
        return FencingToken(epoch: epoch, counter: counter)
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = self[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
