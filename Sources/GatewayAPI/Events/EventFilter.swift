/// Which types of journal lines a reader wants: `order.filled`, `order.*` or `*`.
struct EventFilter: Sendable, Equatable {
    enum Pattern: Sendable, Equatable {
        case all
        case exactly(String)
        /// With the dot at its end.
        case beginning(String)

        /// Nil if the text is not a pattern.
        init?(_ text: String) {
            guard text != "*" else {
                self = .all
                return
            }
            let name = text.hasSuffix(".*") ? String(text.dropLast(2)) : text
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isNameByte) }) else { return nil }
            self = text.hasSuffix(".*") ? .beginning(name + ".") : .exactly(name)
        }

        func matches(_ type: String) -> Bool {
            switch self {
            case .all: true
            case .exactly(let name): type == name
            case .beginning(let prefix): type.hasPrefix(prefix)
            }
        }

        private static func isNameByte(_ byte: UInt8) -> Bool {
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
        }
    }

    let patterns: [Pattern]

    func matches(_ type: String) -> Bool { patterns.contains { $0.matches(type) } }
}
