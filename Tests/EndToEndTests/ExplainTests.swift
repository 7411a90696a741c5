import Foundation
import TestSupport
import Testing

/// The story of an order and the proof of the chain that it is told from, by the program's own commands.
@Suite(.serialized) struct ExplainTests {
    private func run(_ arguments: [String], in scene: GatewayScene) async throws -> (text: String, code: Int32?) {
        let process = try ProcessUnderTest(ProcessUnderTest.executables + "/turnstile", arguments, folder: scene.folder.path)
        try await waitUntil("\(arguments) ends") { !process.isRunning }
        return (process.text, process.exitCode)
    }

    @Test func `an order whose reply was lost is explained step by step, and a flipped byte in its story is located`() async throws {
        try await GatewayScene.with { scene in
            try await scene.venue.faults(#"[{"on":"stream","action":"silence","times":1000},{"on":"place","action":"drop_after_accept","times":1}]"#)
            #expect(try await scene.gateway.post(GatewayUnderTest.signal()).status == 202)
            let id = try await scene.settled(1).first?["id"] as? String ?? ""
            let story = try await run(["explain", id, "--config", "turnstile.yaml"], in: scene)
            #expect(story.code == 0, "\(story.text)")
            let steps = ["waits for its turn", "permitted: attempt 1 under fence", "is unknown", "filled 0.01 at", "resolved by evidence", "now: filled, 0.01 of 0.01"]
            var rest = story.text[...]
            for step in steps {
                let found = rest.range(of: step)
                #expect(found != nil, "\(step) does not follow in \(story.text)")
                if let found { rest = rest[found.upperBound...] }
            }
            let unknown = try await run(["explain", "nothing", "--config", "turnstile.yaml"], in: scene)
            #expect(unknown.code == 2, "\(unknown.text)")

            // The gateway is running: the chain can be checked all the same.
            let sound = try await run(["audit", "verify", "--config", "turnstile.yaml"], in: scene)
            #expect(sound.code == 0 && sound.text.contains("the audit chain holds"), "\(sound.text)")

            scene.gateway.process.send(SIGTERM)
            try await waitUntil("the gateway has stopped") { !scene.gateway.process.isRunning }
            let path = scene.folder.file("turnstile.db")
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            let place = try #require(bytes.range(of: Data(#"{"attempt":1"#.utf8)))
            bytes[place.upperBound - 1] = UInt8(ascii: "2")
            try bytes.write(to: URL(fileURLWithPath: path))
            let broken = try await run(["audit", "verify", "--config", "turnstile.yaml"], in: scene)
            #expect(broken.code == 1, "\(broken.text)")
            #expect(broken.text.contains("broken at line") && broken.text.contains("order.permitted"), "\(broken.text)")
        }
    }
}
