import Crypto
import PluginSettings

/// What a configuration says, in a form that is the same for the same meaning: no comments, no layout, keys sorted, secrets left out.
///
/// The accounts of a strategy keep their order, which is the order of its orders. Two spellings of one value (`60s`, `1m`) differ.
struct Fingerprint {
    let secrets: Set<SourcePosition>

    /// SHA-256 of the rendering, in lower-case hex.
    func hash(of root: SettingsNode) -> String {
        let digits = Array("0123456789abcdef")
        return SHA256.hash(data: Array(rendering(of: root, path: []).utf8)).reduce(into: "") { text, byte in
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 0xF)])
        }
    }

    func rendering(of node: SettingsNode, path: [String]) -> String {
        switch node.content {
        case .absent: return "-"
        case .scalar(let text, _): return secrets.contains(node.position) ? "***" : quote(text)
        case .list(let nodes): return "[" + nodes.map { rendering(of: $0, path: path + ["[]"]) }.joined(separator: ",") + "]"
        case .block(let entries):
            let keepsOrder = path.count == 3 && path[0] == "strategies" && path[2] == "accounts"
            let ordered = keepsOrder ? entries : entries.sorted { $0.key < $1.key }
            return "{" + ordered.map { quote($0.key) + ":" + rendering(of: $0.value, path: path + [$0.key]) }.joined(separator: ",") + "}"
        }
    }

    private func quote(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
