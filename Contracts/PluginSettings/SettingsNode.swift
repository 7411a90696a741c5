/// A place in the configuration file, both counted from 1.
public struct SourcePosition: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let line: Int
    public let column: Int
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
    public static func < (a: Self, b: Self) -> Bool { (a.line, a.column) < (b.line, b.column) }
    public var description: String { "\(line):\(column)" }
}

/// A piece of the configuration, format-free, that remembers where it stood.
public struct SettingsNode: Sendable {
    public enum Content: Sendable {
        case absent
        /// A scalar's text. `quoted` tells `"5"` from `5`.
        case scalar(String, quoted: Bool)
        case list([SettingsNode])
        /// In the order of the file; keys are unique.
        case block([(key: String, position: SourcePosition, value: SettingsNode)])
    }

    public let content: Content
    public let position: SourcePosition

    public init(_ content: Content, at position: SourcePosition) {
        self.content = content
        self.position = position
    }
}

/// One thing wrong with the configuration: where, what, and what to do.
public struct SettingsProblem: Error, Sendable, Hashable, CustomStringConvertible {
    public let position: SourcePosition
    public let message: String
    public init(at position: SourcePosition, _ message: String) {
        self.position = position
        self.message = message
    }
    public var description: String { "\(position) \(message)" }
}
