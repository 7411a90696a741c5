import LockContract
import PluginSettings

/// `gateway: { id, lock_delay, send_window, pause_margin, state_directory }`
struct GatewaySection {
    let id: String
    let lockDelay: Duration
    let sendWindow: Duration
    let pauseMargin: Duration
    let stateDirectory: String

    init(_ root: SettingsReader) {
        (id, lockDelay, sendWindow, pauseMargin, stateDirectory) = root.block("gateway") { gateway in
            let id = gateway.text("id") ?? Self.idOfThisProcess()
            checkName(id, gateway, at: gateway.position(of: "id"))
            return (
                id,
                gateway.duration("lock_delay", default: .seconds(2), in: .zero ... .seconds(60)),
                gateway.duration("send_window", default: .seconds(5), in: .milliseconds(100) ... .seconds(30)),
                gateway.duration("pause_margin", default: .seconds(30), in: .seconds(1) ... .seconds(600)),
                gateway.text("state_directory") ?? "var"
            )
        }
    }

    /// Host name and process, in the characters of a name. The host of a container of its own process numbers has more behind a slash.
    static func idOfThisProcess() -> String {
        let process = HolderIdentity.current(gateway: "", purpose: "")
        let host = process.host.prefix { $0 != "/" }.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") ? $0 : "-" }
        let name = String(host.drop { $0 == "-" }.prefix(50))
        return "\(name.isEmpty ? "gateway" : name)-\(process.processID)"
    }
}
