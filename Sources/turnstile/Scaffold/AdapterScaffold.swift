import Foundation
import GatewayConfiguration

/// Makes a new adapter in a checkout: a copy of `Plugins/NewVenue` under another name, and the lines that make it known.
///
/// `Plugins/NewVenue` is itself built and tested with everything else, so what is copied compiles.
struct AdapterScaffold {
    /// One file that is written.
    struct Change: Equatable {
        /// From the root of the checkout.
        let path: String
        let content: String
        /// The lines that an edited file gets; empty for a new file.
        let added: [String]
    }

    struct Refusal: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    static let template = "NewVenue"
    static let templateID = "newvenue"
    static let importMark = "// turnstile adapter new: imports above this line"
    static let lineMark = "// turnstile adapter new: one line above this one"
    static let package = "Package.swift"
    static let composition = "Sources/turnstile/Composition.swift"

    let root: URL
    /// Of the folder, the modules and the types.
    let name: String
    /// The word after `broker:`.
    let id: String

    /// Checks everything and changes nothing.
    ///
    /// - Parameter knownIDs: What this program knows already.
    init(root: URL, name: String, id: String? = nil, knownIDs: [String]) throws(Refusal) {
        self.root = root
        self.name = name
        self.id = id ?? name.lowercased()
        guard name.wholeMatch(of: #/[A-Z][A-Za-z0-9]{1,39}/#) != nil else {
            throw Refusal("'\(name)' is no name for a Swift module: write it like MyBroker, letters and digits only")
        }
        guard self.id.wholeMatch(of: #/[a-z][a-z0-9]*(-[a-z0-9]+)*/#) != nil, self.id.count <= 40 else {
            throw Refusal("'\(self.id)' cannot stand after broker: write it like my-broker, with --id")
        }
        guard !knownIDs.contains(self.id), self.id != Self.templateID else { throw Refusal("there is already a broker '\(self.id)'; name another with --id") }
    }

    /// Every file that has to be written, new ones first.
    func changes() throws(Refusal) -> [Change] {
        let manifest = try read(Self.package)
        guard manifest.contains("name: \"turnstile\"") else { throw Refusal("\(root.path()) is not a checkout of turnstile: its Package.swift names another package") }
        let taken = ["Foundation", "Swift", "Testing", "Synchronization", "Dispatch", "Gateway", "Main"]
        guard !manifest.contains("\"\(name)\""), !manifest.contains("\"\(name)Simulator\""), !taken.contains(name) else {
            throw Refusal("Package.swift knows something called \(name) already")
        }
        guard !exists("Plugins/\(name)") else { throw Refusal("Plugins/\(name) exists already; nothing was changed") }
        let helper = "    adapter(\"\(name)\"),"
        let imports = ["import \(name)", "import \(name)Simulator"]
        let registration = "        InstalledAdapter(\(name)Plugin.self, at: \(name)Harness.self),"
        let newManifest = try insert([helper], before: Self.lineMark, into: manifest, at: Self.package)
        let imported = try insert(imports, before: Self.importMark, into: try read(Self.composition), at: Self.composition)
        let registered = try insert([registration], before: Self.lineMark, into: imported, at: Self.composition)
        return try newFiles() + [
            Change(path: Self.package, content: newManifest, added: [helper]),
            Change(path: Self.composition, content: registered, added: imports + [registration]),
        ]
    }

    /// Writes what ``changes()`` says: the folder at once, then the edits.
    func write(_ changes: [Change]) throws {
        let files = FileManager.default
        let folder = "Plugins/\(name)"
        let staging = root.appending(path: "Plugins/.\(name).new-\(UUID().uuidString.prefix(8))")
        do {
            for change in changes where change.added.isEmpty {
                let file = staging.appending(path: change.path.dropFirst(folder.count + 1))
                try files.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(change.content.utf8).write(to: file)
            }
            try files.moveItem(at: staging, to: root.appending(path: folder))
        } catch {
            try? files.removeItem(at: staging)
            throw error
        }
        for change in changes where !change.added.isEmpty {
            try Data(change.content.utf8).write(to: root.appending(path: change.path), options: .atomic)
        }
    }

    /// The template's text under the new name.
    func renamed(_ text: String) -> String {
        text.replacing(Self.template, with: name).replacing(Self.templateID.uppercased(), with: id.uppercased().replacing("-", with: "_"))
            .replacing(Self.templateID, with: id)
    }

    // MARK: Parts

    private func newFiles() throws(Refusal) -> [Change] {
        let folder = root.appending(path: "Plugins/\(Self.template)")
        let names = (FileManager.default.subpaths(atPath: folder.path()) ?? []).sorted().filter { $0.hasSuffix(".swift") || $0.hasSuffix(".md") }
        guard !names.isEmpty else { throw Refusal("Plugins/\(Self.template) is missing in \(root.path()): it is what is copied") }
        var changes: [Change] = []
        for file in names {
            let text = try read("Plugins/\(Self.template)/\(file)")
            changes.append(Change(path: "Plugins/\(name)/\(renamed(file))", content: renamed(text), added: []))
        }
        return changes
    }

    private func insert(_ lines: [String], before mark: String, into text: String, at path: String) throws(Refusal) -> String {
        var all = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let places = all.indices.filter { all[$0].trimmingCharacters(in: .whitespaces) == mark }
        guard places.count == 1, let place = places.first else {
            throw Refusal("\(path) has the line '\(mark)' \(places.count) times instead of once; nothing was changed")
        }
        all.insert(contentsOf: lines, at: place)
        return all.joined(separator: "\n")
    }

    private func read(_ path: String) throws(Refusal) -> String {
        do { return try String(contentsOf: root.appending(path: path), encoding: .utf8) } catch {
            throw Refusal("\(path) cannot be read in \(root.path()): run this in a checkout of turnstile, or name one with --checkout")
        }
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root.appending(path: path).path()) }
}
