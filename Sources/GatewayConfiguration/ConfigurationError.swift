import PluginSettings

/// Everything that is wrong with one configuration file, in the order of the file.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// The file's name as it was given.
    public let file: String
    /// Sorted by position, never empty.
    public let problems: [SettingsProblem]

    public init(file: String, problems: [SettingsProblem]) {
        self.file = file
        self.problems = problems.enumerated().sorted { ($0.element.position, $0.offset) < ($1.element.position, $1.offset) }.map(\.element)
    }

    /// One line a problem: `turnstile.yaml:31:5 unknown key "quantiy" in … (did you mean "quantity"?)`.
    public var description: String { problems.map { "\(file):\($0)" }.joined(separator: "\n") }
}
