import PluginSettings

/// The bytes of a configuration file as text that is safe to hand to the YAML parser.
struct YAMLText {
    /// Far above any real configuration; what is larger is not one.
    static let maximumBytes = 1 << 20

    let text: String

    init(_ bytes: [UInt8]) throws(SettingsProblem) {
        let start = SourcePosition(line: 1, column: 1)
        guard bytes.count <= Self.maximumBytes else {
            throw SettingsProblem(at: start, "the file is larger than 1 MiB")
        }
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        guard let text = String(validating: content, as: UTF8.self) else {
            throw SettingsProblem(at: Self.firstInvalidByte(content), "the file is not UTF-8 text")
        }
        self.text = text
        if let alias = Self.firstAlias(in: text) {
            throw SettingsProblem(at: alias, "aliases (*name) are not supported: write the value out")
        }
    }

    private static func firstInvalidByte(_ bytes: ArraySlice<UInt8>) -> SourcePosition {
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
        where String(validating: line, as: UTF8.self) == nil {
            let column = String(decoding: line, as: UTF8.self).unicodeScalars.prefix { $0 != "\u{FFFD}" }.count
            return SourcePosition(line: index + 1, column: column + 1)
        }
        return SourcePosition(line: 1, column: 1)
    }

    /// The first `*name` for which there is an `&name`, in lines that are not comments.
    ///
    /// Aliases are found before parsing: a few lines of them can describe a tree too large to walk, and the parser walks it
    /// when it looks for duplicate keys. A text in quotes that holds both marks with one name is refused too; the parser
    /// could not be asked without the risk.
    private static func firstAlias(in text: String) -> SourcePosition? {
        var anchors: Set<String> = []
        var aliases: [(name: String, position: SourcePosition)] = []
        for (line, content) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if content.drop(while: { $0 == " " || $0 == "\t" }).first == "#" { continue }
            let scalars = Array(content.unicodeScalars)
            var index = 0
            while index < scalars.count {
                let mark = scalars[index]
                index += 1
                guard mark == "&" || mark == "*" else { continue }
                let start = index
                while index < scalars.count, isNameCharacter(scalars[index]) { index += 1 }
                guard index > start else { continue }
                var name = ""
                name.unicodeScalars.append(contentsOf: scalars[start..<index])
                if mark == "&" {
                    anchors.insert(name)
                } else {
                    aliases.append((name, SourcePosition(line: line + 1, column: start)))
                }
            }
        }
        return aliases.first { anchors.contains($0.name) }?.position
    }

    /// What libyaml takes into an anchor's name.
    private static func isNameCharacter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
    }
}
