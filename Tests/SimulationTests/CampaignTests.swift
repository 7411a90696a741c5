import Foundation
import SimulationKit
import TestSupport
import Testing

/// Campaigns run in processes of their own, because sets and dictionaries have the same order in each run only where that was asked for
/// before the start.
@Suite(.serialized) struct CampaignTests {
    /// Runs the tool to its end and returns what it printed and how it ended.
    private func simulate(_ arguments: String...) async throws -> (text: String, code: Int32?) {
        try await TemporaryFolder.with { folder in
            let process = try ProcessUnderTest(ProcessUnderTest.executables + "/turnstile-sim", arguments, folder: folder.path)
            try await waitUntil("turnstile-sim \(arguments.joined(separator: " ")) ends", within: .seconds(900)) { !process.isRunning }
            // What it printed last may still be on its way.
            try await waitUntil("its output is read") { process.text.contains("\n") }
            return (process.text, process.exitCode)
        }
    }

    @Test func `two thousand schedules hold every invariant, and a seed gives the same run twice`() async throws {
        let (text, code) = try await simulate("--seeds", "2000", "--repeat-every", "20", "--facts")
        #expect(code == 0, "\(text)")
        print(text)
        // A campaign in which nothing went wrong would prove nothing.
        for fact in ["state unknown", "state absent", "state parked", "state filled", "permit again", "tenure", "made"] {
            #expect(text.contains("  \(fact): "), "no schedule had: \(fact)")
        }
    }

    /// Those that show within a few seeds; `turnstile-sim --plant all` tries every one.
    @Test(arguments: [
        "permit-ignores-fence", "update-ignores-fence", "fence-stands-still", "unsettled-ignored", "duplicate-check-off", "fills-twice", "terminal-reopened",
        "acknowledged-early", "journal-line-missing", "unknown-rejected", "unknown-absent", "forgotten-in-doubt", "position-assumed", "server-error-refused",
        "expiry-ignored", "halt-ignored",
    ])
    func `a planted defect is found`(_ defect: String) async throws {
        let (text, code) = try await simulate("--plant", defect, "--seeds", "200")
        #expect(code == 1, "\(text)")
    }

    @Test func `what failed once holds`() async throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Regressions")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }.sorted()
        for file in files {
            let (text, code) = try await simulate("--plan", folder.appendingPathComponent(file).path)
            #expect(code == 0, "\(file): \(text)")
        }
    }

    @Test func `a failing plan is made small and still fails in the same way`() async throws {
        let (text, code) = try await simulate("--plant", "lost-reply-not-sent", "--seeds", "500", "--shrink")
        #expect(code == 1, "\(text)")
        #expect(text.contains("\nmade small: "), "\(text)")
        let plan = try #require(text.range(of: "{\n")).lowerBound
        let seed = try #require(text.firstMatch(of: #/seed (\d+): /#).flatMap { UInt64($0.1) })
        let (found, small) = (Plan(seed: seed), try JSONDecoder().decode(Plan.self, from: Data(text[plan...].utf8)))
        #expect(small.faults.count + small.signals.count < found.faults.count + found.signals.count, "\(text)")
        try await TemporaryFolder.with { folder in
            try folder.write(String(text[plan...]), to: "plan.json")
            let (again, code) = try await simulate("--plan", folder.file("plan.json"), "--plant", "lost-reply-not-sent")
            #expect(code == 1, "\(again)")
        }
    }
}
