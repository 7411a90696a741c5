import Gateway
import PluginSettings

/// One entry of a list, with its place in the file.
typealias ListEntry = (text: String, position: SourcePosition)

func addressRange(_ entry: ListEntry, path: String, _ settings: SettingsReader) -> AddressRange? {
    guard let range = AddressRange(entry.text) else {
        settings.problem(
            "\(path): \"\(entry.text)\" is not an IP address or a block such as 10.0.0.0/8 or 2001:db8::/32", at: entry.position)
        return nil
    }
    return range
}

/// Names that the operator chooses become parts of paths, lock keys and log lines.
///
/// - Parameter reserved: A name that the gateway itself uses.
func checkName(_ name: String, _ settings: SettingsReader, at position: SourcePosition?, reserved: [String] = []) {
    let letters = name.utf8
    let fits = letters.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
        default: false
        }
    }
    guard fits, (1...64).contains(letters.count), letters.first != 0x2D else {
        settings.problem("\"\(name.prefix(80))\" is not a name: use 1 to 64 letters, digits, - and _, not starting with -", at: position)
        return
    }
    if reserved.contains(name) { settings.problem("\"\(name)\" is a name of the gateway's own; choose another", at: position) }
}

extension SettingsNode {
    /// Where a key of this block stands.
    func position(ofKey key: String) -> SourcePosition? {
        guard case .block(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.position
    }
}
