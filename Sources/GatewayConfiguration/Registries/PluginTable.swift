import PluginSettings

/// Plugins of one kind by their id, and the look-up that a configuration does.
struct PluginTable<Entry: Sendable>: Sendable {
    /// What the kind is called in messages: `broker`, `lock`, `store`.
    let kind: String
    private var entries: [(id: String, entry: Entry)] = []

    init(kind: String) { self.kind = kind }

    /// A later registration of the same id takes the place of the earlier one.
    mutating func register(_ id: String, _ entry: Entry) {
        entries.removeAll { $0.id == id }
        entries.append((id, entry))
    }

    var all: [Entry] { entries.map(\.entry) }

    /// The plugin named under `key`. An unknown or missing name is one problem that lists the known ones; the rest of the block,
    /// which only that plugin could judge, is then left alone.
    func entry(named key: String, in settings: SettingsReader) -> Entry? {
        let name = settings.text(key) ?? ""
        if let found = entries.first(where: { $0.id == name }) { return found.entry }
        let known = entries.map(\.id).sorted()
        let hint = closest(to: name, among: known).map { " (did you mean \"\($0)\"?)" } ?? ""
        let message =
            name.isEmpty
            ? "\(settings.path).\(key) is required: one of \(known.joined(separator: ", "))"
            : "unknown \(kind) \"\(name)\" in \(settings.path), known: \(known.joined(separator: ", "))\(hint)"
        settings.problem(message, at: settings.node(key)?.position ?? settings.position)
        for key in settings.keys { _ = settings.has(key) }
        return nil
    }
}
