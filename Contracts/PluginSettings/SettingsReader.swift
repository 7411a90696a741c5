import Foundation
import TradingModel

/// A configuration type that reads itself from its block of the file.
///
/// An implementation asks the reader for each key that it knows and returns a value even when something was wrong: problems
/// are collected by the reader, so that the operator sees all of them at once. Whoever started the reading discards the
/// value if there are problems. Keys that nobody asked for become "unknown key" problems.
public protocol PluginConfiguration: Sendable {
    init(reading settings: SettingsReader)
}

/// Where secrets come from: `env:NAME` and `file:PATH`.
public struct SecretResolver: Sendable {
    private let environment: [String: String]
    private let readFile: @Sendable (String) throws -> String

    public init(environment: [String: String], readFile: @escaping @Sendable (String) throws -> String) {
        self.environment = environment
        self.readFile = readFile
    }

    /// Reads the process environment, and files with the trailing line break removed.
    public static var system: SecretResolver {
        SecretResolver(environment: ProcessInfo.processInfo.environment) { path in
            var text = try String(contentsOfFile: path, encoding: .utf8)
            while text.last?.isNewline == true { text.removeLast() }
            return text
        }
    }

    func resolve(_ text: String) -> Result<String, SettingsFailure> {
        if text.hasPrefix("env:") {
            let name = String(text.dropFirst(4))
            guard let value = environment[name], !value.isEmpty else {
                return .failure(SettingsFailure("environment variable \(name) is not set; set it or use file:PATH"))
            }
            return .success(value)
        }
        if text.hasPrefix("file:") {
            let path = String(text.dropFirst(5))
            do {
                let value = try readFile(path)
                return value.isEmpty ? .failure(SettingsFailure("file \(path) is empty")) : .success(value)
            } catch {
                return .failure(SettingsFailure("file \(path) cannot be read: \(error.localizedDescription)"))
            }
        }
        return .success(text)
    }
}

struct SettingsFailure: Error {
    let message: String
    init(_ message: String) { self.message = message }
}

/// Gathers the problems of one file.
public final class SettingsProblems {
    public private(set) var all: [SettingsProblem] = []
    /// Where values stand that were read as secrets, so that a rendering of the file can leave them out.
    public private(set) var secretPositions: Set<SourcePosition> = []
    public init() {}
    public func add(_ problem: SettingsProblem) { all.append(problem) }
    public func noteSecret(at position: SourcePosition) { secretPositions.insert(position) }
}

/// Reads one block of the configuration, strictly: every key is typed, and a key that was never asked for is a problem.
///
/// Not `Sendable`: a configuration is read by one task.
public final class SettingsReader {
    /// The block's path, for messages: `accounts.spot1`.
    public let path: String
    public let position: SourcePosition
    private let entries: [(key: String, position: SourcePosition, value: SettingsNode)]
    private var asked: [String] = []
    private let problems: SettingsProblems
    private let secrets: SecretResolver

    public init(_ node: SettingsNode, path: String, problems: SettingsProblems, secrets: SecretResolver) {
        self.path = path
        self.problems = problems
        self.secrets = secrets
        position = node.position
        switch node.content {
        case .block(let entries): self.entries = entries
        case .absent: entries = []
        case .scalar, .list:
            entries = []
            problems.add(.init(at: node.position, "\(path.isEmpty ? "the file" : path) must be a block of keys"))
        }
    }

    // MARK: Reporting

    public func problem(_ message: String, at position: SourcePosition? = nil) {
        problems.add(.init(at: position ?? self.position, message))
    }

    /// Reports every key that was never asked for. Called once by whoever made the reader, when the reading is done.
    public func finish() {
        for entry in entries where !asked.contains(entry.key) {
            let hint =
                closest(to: entry.key, among: asked).map { " (did you mean \"\($0)\"?)" }
                ?? (asked.isEmpty ? "" : " (known: \(asked.sorted().joined(separator: ", ")))")
            problem("unknown key \"\(entry.key)\" in \(path.isEmpty ? "the file" : path)\(hint)", at: entry.position)
        }
    }

    // MARK: Structure

    public var keys: [String] { entries.map(\.key) }

    public func has(_ key: String) -> Bool {
        if !asked.contains(key) { asked.append(key) }
        return entries.contains { $0.key == key }
    }

    public func node(_ key: String) -> SettingsNode? {
        if !asked.contains(key) { asked.append(key) }
        return entries.first { $0.key == key }?.value
    }

    /// Where the key stands, or the block itself.
    public func position(of key: String) -> SourcePosition { entries.first { $0.key == key }?.position ?? position }

    /// A block within this block; an absent one reads as empty. `finish` is called after `body`.
    public func block<T>(_ key: String, _ body: (SettingsReader) -> T) -> T {
        let reader = SettingsReader(
            node(key) ?? SettingsNode(.absent, at: position), path: child(key), problems: problems, secrets: secrets)
        let value = body(reader)
        reader.finish()
        return value
    }

    /// A block within this block, nil if absent.
    public func optionalBlock<T>(_ key: String, _ body: (SettingsReader) -> T) -> T? {
        has(key) ? block(key, body) : nil
    }

    /// A block whose keys are names chosen by the operator; `body` reads each of them.
    public func each(_ key: String, _ body: (String, SettingsReader) -> Void) {
        let outer = SettingsReader(
            node(key) ?? SettingsNode(.absent, at: position), path: child(key), problems: problems, secrets: secrets)
        for name in outer.keys { outer.block(name) { body(name, $0) } }
    }

    /// Like ``each(_:_:)`` for a map from names to scalars: `{ BTCUSDT: "60000" }`.
    public func scalars(_ key: String) -> [(name: String, text: String, position: SourcePosition)] {
        guard let node = node(key) else { return [] }
        guard case .block(let entries) = node.content else {
            problem("\(child(key)) must be a block of keys", at: node.position)
            return []
        }
        return entries.compactMap { entry in
            guard case .scalar(let text, _) = entry.value.content else {
                problem("\(child(key)).\(entry.key) must be a single value", at: entry.value.position)
                return nil
            }
            return (entry.key, text, entry.value.position)
        }
    }

    // MARK: Scalars

    /// The scalar's text, nil if absent. A list or block in its place is a problem.
    public func text(_ key: String) -> String? {
        guard let node = node(key) else { return nil }
        switch node.content {
        case .scalar(let text, _): return text
        case .absent: return nil
        case .list, .block:
            problem("\(child(key)) must be a single value", at: node.position)
            return nil
        }
    }

    public func requiredText(_ key: String) -> String {
        if let text = text(key), !text.isEmpty { return text }
        if !has(key) || valueIsEmpty(key) { problem("\(child(key)) is required", at: position(of: key)) }
        return ""
    }

    /// A secret: `env:NAME`, `file:PATH`, or the value itself. Nil if absent or not to be found (which is a problem).
    public func secret(_ key: String) -> Secret? {
        guard let text = text(key) else { return nil }
        problems.noteSecret(at: valuePosition(key))
        switch secrets.resolve(text) {
        case .success(let value): return Secret(value)
        case .failure(let failure):
            problem("\(child(key)): \(failure.message)", at: valuePosition(key))
            return nil
        }
    }

    public func requiredSecret(_ key: String) -> Secret {
        if !has(key) { problem("\(child(key)) is required (env:NAME or file:PATH)") }
        return secret(key) ?? Secret("")
    }

    public func integer(_ key: String, default fallback: Int, in range: ClosedRange<Int>) -> Int {
        guard let text = text(key) else { return fallback }
        guard let value = Int(text), range.contains(value) else {
            problem("\(child(key)) must be a whole number from \(range.lowerBound) to \(range.upperBound), not \"\(text)\"", at: valuePosition(key))
            return fallback
        }
        return value
    }

    public func boolean(_ key: String, default fallback: Bool) -> Bool {
        guard let text = text(key) else { return fallback }
        switch text {
        case "true": return true
        case "false": return false
        default:
            problem("\(child(key)) must be true or false, not \"\(text)\"", at: valuePosition(key))
            return fallback
        }
    }

    /// `500ms`, `5s`, `2m`, `1h` or `1d`.
    public func duration(_ key: String, default fallback: Duration, in range: ClosedRange<Duration>) -> Duration {
        guard let text = text(key) else { return fallback }
        guard let value = Duration(settingsText: text) else {
            problem("\(child(key)) must be a duration such as 500ms, 5s, 2m, 1h or 1d, not \"\(text)\"", at: valuePosition(key))
            return fallback
        }
        guard range.contains(value) else {
            problem(
                "\(child(key)) must be between \(range.lowerBound.settingsText) and \(range.upperBound.settingsText), not \(text)",
                at: valuePosition(key))
            return fallback
        }
        return value
    }

    public func decimal<D: ExactDecimal>(_ key: String, as type: D.Type = D.self) -> D? {
        guard let text = text(key) else { return nil }
        do { return try D(text) } catch {
            problem("\(child(key)): \(error)", at: valuePosition(key))
            return nil
        }
    }

    public func choice<C: RawRepresentable<String> & CaseIterable>(_ key: String, default fallback: C) -> C {
        guard let text = text(key) else { return fallback }
        guard let value = C(rawValue: text) else {
            let known = C.allCases.map(\.rawValue)
            let hint = closest(to: text, among: known).map { " (did you mean \"\($0)\"?)" } ?? ""
            problem("\(child(key)) must be one of \(known.joined(separator: ", ")), not \"\(text)\"\(hint)", at: valuePosition(key))
            return fallback
        }
        return value
    }

    public func url(_ key: String, schemes: [String]) -> URL? {
        guard let text = text(key) else { return nil }
        guard let url = URL(string: text), let scheme = url.scheme, schemes.contains(scheme), url.host() != nil else {
            problem("\(child(key)) must be a URL starting with \(schemes.map { $0 + "://" }.joined(separator: " or ")), not \"\(text)\"", at: valuePosition(key))
            return nil
        }
        return url
    }

    /// A list of scalars; a single scalar reads as a list of one.
    public func list(_ key: String) -> [(text: String, position: SourcePosition)] {
        guard let node = node(key) else { return [] }
        switch node.content {
        case .absent: return []
        case .scalar(let text, _): return [(text, node.position)]
        case .list(let nodes):
            return nodes.compactMap { node in
                guard case .scalar(let text, _) = node.content else {
                    problem("every entry of \(child(key)) must be a single value", at: node.position)
                    return nil
                }
                return (text, node.position)
            }
        case .block:
            problem("\(child(key)) must be a list", at: node.position)
            return []
        }
    }

    /// A list of secrets; a single one reads as a list of one.
    public func secretList(_ key: String) -> [Secret] {
        list(key).compactMap { entry in
            problems.noteSecret(at: entry.position)
            switch secrets.resolve(entry.text) {
            case .success(let value): return Secret(value)
            case .failure(let failure):
                problem("\(child(key)): \(failure.message)", at: entry.position)
                return nil
            }
        }
    }

    private func child(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
    private func valuePosition(_ key: String) -> SourcePosition { entries.first { $0.key == key }?.value.position ?? position }
    private func valueIsEmpty(_ key: String) -> Bool {
        switch node(key)?.content {
        case .absent?, nil: true
        case .scalar(let text, _)?: text.isEmpty
        case .list?, .block?: false
        }
    }
}

/// The candidate nearest to `word` by edit distance, if near enough to be a slip of the finger. Two letters that changed places
/// are one slip.
public func closest(to word: String, among candidates: [String]) -> String? {
    func distance(_ a: [Character], _ b: [Character]) -> Int {
        var rows = [Array(0...b.count)]
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var least = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, rows[i - 1][j - 1] + 1) }
                row.append(least)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
    let letters = Array(word.lowercased())
    guard letters.count <= 64 else { return nil }
    return candidates.map { ($0, distance(letters, Array($0.lowercased()))) }
        .filter { $0.1 <= max(1, letters.count / 3) }
        .min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
}

extension Duration {
    /// `500ms`, `5s`, `2m`, `1h`, `1d`; nil for anything else.
    public init?(settingsText text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits), count < 1_000_000_000 else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": self = .milliseconds(count)
        case "s": self = .seconds(count)
        case "m": self = .seconds(count * 60)
        case "h": self = .seconds(count * 3600)
        case "d": self = .seconds(count * 86400)
        case "" where count == 0: self = .zero
        default: return nil
        }
    }

    /// The shortest text that ``init(settingsText:)`` reads back, to the millisecond.
    public var settingsText: String {
        let milliseconds = wholeMilliseconds
        for (unit, size) in [("d", Int64(86_400_000)), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] where milliseconds != 0 && milliseconds % size == 0 {
            return "\(milliseconds / size)\(unit)"
        }
        return milliseconds == 0 ? "0s" : "\(milliseconds)ms"
    }
}
