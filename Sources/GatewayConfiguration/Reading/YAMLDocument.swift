import PluginSettings
import Yams

/// One YAML document as ``SettingsNode``s, with the problems of its form.
///
/// A small part of YAML is taken: blocks, lists and scalars. Whatever could make two readers see different things is refused:
/// anchors, aliases, merge keys, tags, keys that are not text, several documents, keys without a value.
struct YAMLDocument {
    static let maximumDepth = 32

    let root: SettingsNode

    /// Throws the one problem that stops the parser; reports the others to `problems`.
    init(_ bytes: [UInt8], problems: SettingsProblems) throws(SettingsProblem) {
        let text = try YAMLText(bytes).text
        let start = SourcePosition(line: 1, column: 1)
        do {
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            guard let node = try parser.singleRoot() else { throw SettingsProblem(at: start, "the file is empty") }
            // A node's anchor is a weak reference; the parser owns it.
            root = withExtendedLifetime(parser) { YAMLConversion(problems: problems).convert(node, depth: 0) }
        } catch let problem as SettingsProblem {
            throw problem
        } catch let error as YamlError {
            throw Self.problem(error, in: text)
        } catch {
            throw SettingsProblem(at: start, "not readable as YAML")
        }
    }

    /// The parser's words without its quotation of the line, which may hold a secret.
    private static func problem(_ error: YamlError, in text: String) -> SettingsProblem {
        func at(_ mark: Mark) -> SourcePosition { SourcePosition(line: max(mark.line, 1), column: max(mark.column, 1)) }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            let hint = problem.contains("cannot start any token") ? "; indent with spaces, and put text with special characters in quotes" : ""
            return SettingsProblem(at: at(mark), "not valid YAML: \(context.map { "\($0.text): " } ?? "")\(problem)\(hint)")
        case .composer(_, let problem, let mark, _):
            let several = problem.contains("another document")
            return SettingsProblem(at: at(mark), several ? "the file must hold one YAML document" : "not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map { "\"\($0)\"" }.joined(separator: ", ")
            return SettingsProblem(at: at(context.mark), "duplicate key \(names): each key may stand once in its block")
        case .reader(let problem, let offset, _, _):
            return SettingsProblem(at: position(of: offset ?? 0, in: text), "not valid YAML: \(problem)")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return SettingsProblem(at: SourcePosition(line: 1, column: 1), "not readable as YAML")
        }
    }

    private static func position(of offset: Int, in text: String) -> SourcePosition {
        let before = text.prefix(offset)
        let lineStart = before.lastIndex(where: \.isNewline).map(before.index(after:)) ?? before.startIndex
        return SourcePosition(line: before.count(where: \.isNewline) + 1, column: before[lineStart...].unicodeScalars.count + 1)
    }
}

/// Turns the parser's nodes into ours.
private struct YAMLConversion {
    let problems: SettingsProblems

    func convert(_ node: Node, depth: Int) -> SettingsNode {
        let position = position(node)
        guard depth <= YAMLDocument.maximumDepth else {
            problems.add(.init(at: position, "nested deeper than \(YAMLDocument.maximumDepth) levels"))
            return SettingsNode(.absent, at: position)
        }
        refuseMarks(node, at: position)
        switch node {
        case .scalar(let scalar):
            let quoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
            return SettingsNode(.scalar(scalar.string, quoted: quoted), at: position)
        case .sequence(let sequence):
            return SettingsNode(.list(sequence.map { element($0, depth: depth + 1) }), at: position)
        case .mapping(let mapping):
            return SettingsNode(.block(mapping.compactMap { entry(key: $0.key, value: $0.value, depth: depth) }), at: position)
        case .alias:
            problems.add(.init(at: position, "aliases (*name) are not supported: write the value out"))
            return SettingsNode(.absent, at: position)
        }
    }

    private func entry(key: Node, value: Node, depth: Int) -> (key: String, position: SourcePosition, value: SettingsNode)? {
        let position = position(key)
        guard case .scalar(let name) = key else {
            problems.add(.init(at: position, "a key must be a single word"))
            return nil
        }
        refuseMarks(key, at: position)
        if name.string == "<<" {
            problems.add(.init(at: position, "merge keys (<<) are not supported: write the values out"))
            return nil
        }
        if isNull(value) {
            problems.add(.init(at: position, "\"\(name.string)\" has no value: give it one ({} for an empty block) or remove the key"))
            return (name.string, position, SettingsNode(.absent, at: position))
        }
        return (name.string, position, convert(value, depth: depth + 1))
    }

    private func element(_ node: Node, depth: Int) -> SettingsNode {
        guard isNull(node) else { return convert(node, depth: depth) }
        problems.add(.init(at: position(node), "an entry of this list has no value"))
        return SettingsNode(.absent, at: position(node))
    }

    private func isNull(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    private func refuseMarks(_ node: Node, at position: SourcePosition) {
        if node.anchor != nil { problems.add(.init(at: position, "anchors (&name) are not supported: remove the mark")) }
        let tag = node.tag.description
        if ![Tag.Name.str, .seq, .map].map(\.rawValue).contains(tag) {
            problems.add(.init(at: position, "tags (\(tag.prefix(40))) are not supported: remove the tag"))
        }
    }

    private func position(_ node: Node) -> SourcePosition {
        let mark = node.mark
        return SourcePosition(line: max(mark?.line ?? 1, 1), column: max(mark?.column ?? 1, 1))
    }
}
