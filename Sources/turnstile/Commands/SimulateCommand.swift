import ArgumentParser
import GatewayConfiguration
import Logging
import ServiceLifecycle
import TradingModel

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Be a venue: the same wire, no money.",
        discussion: """
            Any key pair is accepted. The oracle and the controls are under /_sim, for this machine only: GET /_sim/orders,
            GET /_sim/requests, POST /_sim/price, POST /_sim/faults, POST /_sim/reset.
            """)

    @Argument(help: "The venue; a name that is not known lists them.")
    var venue: String

    @Option(name: .long, help: "The port; 0 takes a free one.")
    var port: Int

    @Option(name: .long, help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(name: .long, help: "A PEM file with the certificate chain; needs --tls-key.")
    var tlsCert: String?

    @Option(name: .long, help: "A PEM file with the certificate's key; needs --tls-cert.")
    var tlsKey: String?

    @Option(name: .long, help: "Orders per 10 seconds that the venue says it takes from one account.")
    var ordersPerTenSeconds: Int?

    @Option(name: .long, help: "Request weight per minute that the venue says it takes from one address.")
    var weightPerMinute: Int?

    @Option(name: .long, help: "Which venue of a family; for binance: spot, usdm, binance_us.")
    var dialect: String?

    @Flag(name: .long, help: "Answer 429 beyond the limits, and 418 to who goes on.")
    var enforceLimits = false

    func validate() throws {
        let known = allSimulators().map(\.id)
        guard known.contains(venue) else { throw ValidationError("unknown venue '\(venue)', known: \(known.joined(separator: ", "))") }
        let dialects = allSimulators().first { $0.id == venue }?.dialects ?? []
        guard dialect.map(dialects.contains) ?? true else {
            throw ValidationError("unknown dialect '\(dialect ?? "")' of \(venue)\(dialects.isEmpty ? "" : ", known: " + dialects.joined(separator: ", "))")
        }
        guard !enforceLimits || !dialects.isEmpty else { throw ValidationError("\(venue) enforces its limits as it does") }
        guard (0...65535).contains(port) else { throw ValidationError("--port must be from 0 to 65535") }
        guard (tlsCert == nil) == (tlsKey == nil) else { throw ValidationError("give both --tls-cert and --tls-key, or neither") }
        guard ordersPerTenSeconds ?? 1 > 0 else { throw ValidationError("--orders-per-ten-seconds must be at least 1") }
        guard weightPerMinute ?? 1 > 0 else { throw ValidationError("--weight-per-minute must be at least 1") }
    }

    func run() async throws {
        guard let simulator = allSimulators().first(where: { $0.id == venue }) else { throw Exit.notFound }
        let logger = makeLogger(level: .warning, clock: SystemClock())
        var options = SimulatorOptions(host: host, port: port, logger: logger)
        if let tlsCert, let tlsKey { options.tls = TLSFiles(certificate: tlsCert, key: tlsKey) }
        options.ordersPerTenSeconds = ordersPerTenSeconds
        options.weightPerMinute = weightPerMinute
        options.dialect = dialect
        options.enforcesLimits = enforceLimits
        do {
            try await runServices([SimulatorService(simulator: simulator, options: options)], logger: logger)
        } catch {
            printError("turnstile: \(error)")
            throw Exit.error
        }
    }
}

private struct SimulatorService: Service {
    let simulator: VenueSimulator
    let options: SimulatorOptions

    func run() async throws {
        try await simulator.run(options) { address in
            let stream = address.webSocket.isEmpty ? "" : ", WebSocket API at \(address.webSocket)"
            LogOutput().write("\(simulator.id) simulator listening on \(address.rest)\(stream)\n")
        }
    }
}
