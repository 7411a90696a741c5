import Crypto
import PluginSettings

/// What a configuration says, in a form that is the same for the same meaning: no comments, no layout, keys sorted, secrets left out.
///
/// Gateways that share a store may work together if it is equal, so what only says where one of them runs is left out too: its name, its
/// address, who may ask it, its folder, and how it reaches the store and the lock server.
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
            let rendered = ordered.filter { !Self.isLocal(path + [$0.key]) }.map { ($0.key, rendering(of: $0.value, path: path + [$0.key])) }
            // A section that says only where this gateway runs is as good as none.
            let telling = path.isEmpty ? rendered.filter { $0.1 != "{}" } : rendered
            return "{" + telling.map { quote($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
        }
    }

    private static func isLocal(_ path: [String]) -> Bool {
        switch path.first {
        // Its place differs from host to host, and gateways that compare their hashes have it in common.
        case "store": true
        case "locks": path.count == 2 && path[1] != "type" && path[1] != "ttl"
        case "gateway": path == ["gateway", "id"] || path == ["gateway", "state_directory"]
        case "http": path.count == 2 && ["host", "port", "tls", "tokens"].contains(path[1])
        default: false
        }
    }

    private func quote(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
