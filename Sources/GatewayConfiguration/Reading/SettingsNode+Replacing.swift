import PluginSettings

extension SettingsNode {
    /// The same block with another text at the end of a path of keys, which is made where it is missing.
    func replacing(_ path: [String], with text: String) -> SettingsNode {
        guard let key = path.first else { return SettingsNode(.scalar(text, quoted: true), at: position) }
        var entries: [(key: String, position: SourcePosition, value: SettingsNode)] = []
        if case .block(let own) = content { entries = own }
        let rest = Array(path.dropFirst())
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index].value = entries[index].value.replacing(rest, with: text)
        } else {
            entries.append((key, position, SettingsNode(.absent, at: position).replacing(rest, with: text)))
        }
        return SettingsNode(.block(entries), at: position)
    }
}
