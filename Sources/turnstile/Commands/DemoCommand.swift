import ArgumentParser
import Foundation
import GatewayConfiguration
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import TradingModel

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "A gateway and a simulated venue, and what becomes of a few signals.",
        discussion: """
            No keys, no database server, no money. Prints one table, then leaves the gateway running until Ctrl-C.
            With --ci it checks every line of the table and ends: 0 if all are as they must be, 1 if not.
            """)

    @Flag(name: .long, help: "Check every line of the table, then end.")
    var ci = false

    @Option(name: .long, help: "The gateway's port. Without it: 8080, or a free one if that is taken.")
    var port: Int?

    func run() async throws {
        let folder = try DemoFolder()
        let clock = SystemClock()
        let logger = try folder.makeLogger(clock: clock)
        var isGood = false
        do {
            isGood = try await run(in: folder, clock: clock, logger: logger)
        } catch {
            printError("turnstile: \(error)")
        }
        guard isGood else {
            printError("The gateway's log is in \(folder.log)")
            throw Exit.error
        }
        folder.remove()
    }

    /// Runs the venue beside the gateway. True if every line of the table was as it must be.
    private func run(in folder: DemoFolder, clock: any TradingClock, logger: Logger) async throws -> Bool {
        let (addresses, continuation) = AsyncStream.makeStream(of: SimulatorAddress.self, bufferingPolicy: .bufferingNewest(1))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { continuation.finish() }
                try await binanceSimulator.run(SimulatorOptions(logger: logger)) { continuation.yield($0) }
            }
            defer { group.cancelAll() }
            for await venue in addresses {
                return try await serve(against: venue, in: folder, clock: clock, logger: logger)
            }
            try await group.next()
            throw CancellationError()
        }
    }

    private func serve(against venue: SimulatorAddress, in folder: DemoFolder, clock: any TradingClock, logger: Logger) async throws -> Bool {
        let secrets = DemoSecrets()
        let path = try folder.writeConfiguration(venue: venue, secrets: secrets, port: try await gatewayPort())
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
        let parts = try await GatewayParts(try loadConfiguration(path), clock: clock, logger: logger) { continuation.yield($0) }
        let script = DemoScript(ports: ports, venue: venue, secrets: secrets, staysOn: !ci, clock: clock)
        let outcome = await Result.capturing { try await runServices(parts.services + [script], logger: logger) }
        await parts.store.close()
        try outcome.get()
        return script.isGood
    }

    private func gatewayPort() async throws -> Int {
        if let port { return port }
        do {
            let channel = try await ServerBootstrap(group: NIOSingletons.posixEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1).bind(host: "127.0.0.1", port: 8080).get()
            try await channel.close()
            return 8080
        } catch is IOError {
            return 0
        }
    }
}
