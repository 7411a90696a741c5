import Foundation
import NewVenue
import NewVenueSimulator
import Testing
import TestSupport

@testable import turnstile

/// What `adapter new` writes is what CI compiles and tests under the name NewVenue, so nothing of it can rot.
@Suite struct ScaffoldTests {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A checkout that is large enough for the command.
    private func checkout(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "scaffold-\(UUID().uuidString)", directoryHint: .isDirectory)
        defer { try? FileManager.default.removeItem(at: folder) }
        for path in [AdapterScaffold.package, AdapterScaffold.composition, "Plugins/NewVenue"] {
            let target = folder.appending(path: path)
            try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: Self.repository.appending(path: path), to: target)
        }
        try body(folder)
    }

    private func files(_ folder: URL) throws -> [String: String] {
        let names = (FileManager.default.subpaths(atPath: folder.path()) ?? []).filter { $0.hasSuffix(".swift") || $0.hasSuffix(".md") }
        return try Dictionary(uniqueKeysWithValues: names.map { ($0, try String(contentsOf: folder.appending(path: $0), encoding: .utf8)) })
    }

    @Test func `the new folder is the compiled one, byte for byte but for its name`() throws {
        try checkout { root in
            let scaffold = try AdapterScaffold(root: root, name: "Tidewater", id: "tide-water", knownIDs: ["binance"])
            try scaffold.write(scaffold.changes())
            let made = try files(root.appending(path: "Plugins/Tidewater"))
            let compiled = try files(Self.repository.appending(path: "Plugins/NewVenue"))
            #expect(made.count == compiled.count && made.count >= 15)
            for (path, text) in made {
                #expect(!text.contains("NewVenue") && !text.contains("newvenue") && !text.contains("NEWVENUE"), "\(path)")
                let back = text.replacing("Tidewater", with: "NewVenue").replacing("tide-water", with: "newvenue").replacing("TIDE_WATER", with: "NEWVENUE")
                #expect(back == compiled[path.replacing("Tidewater", with: "NewVenue")], "\(path)")
            }
        }
    }

    @Test func `the lines that it adds are those under which NewVenue is built, and the one that registers it compiles here`() throws {
        try checkout { root in
            let scaffold = try AdapterScaffold(root: root, name: "Tidewater", knownIDs: [])
            let added = Dictionary(uniqueKeysWithValues: try scaffold.changes().filter { !$0.added.isEmpty }.map { ($0.path, $0.added) })
            #expect(added[AdapterScaffold.package] == ["    adapter(\"Tidewater\"),"])
            let manifest = try String(contentsOf: Self.repository.appending(path: "Package.swift"), encoding: .utf8)
            #expect(manifest.contains("+ adapter(\"NewVenue\")"))
            let registration = "        InstalledAdapter(NewVenuePlugin.self, at: NewVenueHarness.self),"
            #expect(added[AdapterScaffold.composition]?.map { $0.replacing("Tidewater", with: "NewVenue") } == ["import NewVenue", "import NewVenueSimulator", registration])
            #expect(try String(contentsOf: URL(filePath: #filePath), encoding: .utf8).contains("\n\(registration)\n"))
        }
    }

    /// As the composition root has it.
    static let installed: [InstalledAdapter] = [
        InstalledAdapter(NewVenuePlugin.self, at: NewVenueHarness.self),
    ]

    @Test func `it refuses bad and taken names, and a second run, and changes nothing then`() throws {
        try checkout { root in
            for name in ["tidewater", "Tide water", "../Up", "T", "9Lives", "Gateway", "Logging", "Paper", "NewVenue"] {
                #expect(throws: AdapterScaffold.Refusal.self, "\(name)") { try AdapterScaffold(root: root, name: name, knownIDs: ["paper"]).changes() }
            }
            #expect(throws: AdapterScaffold.Refusal.self) { try AdapterScaffold(root: root, name: "Other", id: "paper", knownIDs: ["paper"]).changes() }
            #expect(throws: AdapterScaffold.Refusal.self) { try AdapterScaffold(root: root, name: "Other", id: "a b", knownIDs: []).changes() }
            let scaffold = try AdapterScaffold(root: root, name: "Tidewater", knownIDs: [])
            try scaffold.write(scaffold.changes())
            let before = try files(root)
            #expect(throws: AdapterScaffold.Refusal.self) { try scaffold.changes() }
            #expect(try files(root) == before)
        }
    }

    @Test func `without its marks, or outside a checkout, it refuses`() throws {
        try checkout { root in
            let path = root.appending(path: AdapterScaffold.composition)
            let text = try String(contentsOf: path, encoding: .utf8)
            try Data(text.replacing(AdapterScaffold.lineMark, with: "// somebody tidied up").utf8).write(to: path)
            let refusal = #expect(throws: AdapterScaffold.Refusal.self) { try AdapterScaffold(root: root, name: "Tidewater", knownIDs: []).changes() }
            #expect(refusal?.description.contains("Composition.swift") == true)
            #expect(throws: AdapterScaffold.Refusal.self) {
                try AdapterScaffold(root: root.appending(path: "Plugins"), name: "Tidewater", knownIDs: []).changes()
            }
        }
    }
}
