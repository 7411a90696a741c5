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
            let id = gateway.text("id") ?? "gateway"
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
}
