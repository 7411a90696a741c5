import PluginSettings

extension RedisOptions {
    /// Reads `url`, `username`, `password` and `trust_roots`; what is wrong with them becomes a problem of the settings.
    public init(reading settings: SettingsReader) {
        self.init()
        let url = settings.requiredSecret("url").reveal()
        if let read = RedisOptions(url: url) {
            self = read
        } else if !url.isEmpty {
            settings.problem(
                "\(settings.path).url must be redis://[user:password@]host[:port][/database], or rediss:// for TLS", at: settings.position(of: "url"))
        }
        if let username = settings.text("username") { self.username = username }
        if let password = settings.secret("password") { self.password = password }
        if username != nil, password == nil {
            settings.problem("\(settings.path).username needs a password", at: settings.position(of: "username"))
        }
        if let roots = settings.text("trust_roots") {
            if tls == nil { settings.problem("\(settings.path).trust_roots needs a rediss:// url", at: settings.position(of: "trust_roots")) }
            tls?.trustRootsFile = roots
        }
    }
}
