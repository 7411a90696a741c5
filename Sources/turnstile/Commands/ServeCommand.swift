import ArgumentParser
import Foundation
import GatewayConfiguration
import Logging
import NIOCore
import ServiceLifecycle
import TradingModel

#if canImport(Glibc)
    import Glibc
#endif

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the gateway.",
        discussion: """
            Logs one JSON object a line on standard output, or text on a terminal; the line "listening on URL" says that the port is
            open. SIGTERM or SIGINT stops it gracefully: no new signals, what is being sent is finished, open orders stay at the venue.
            """)

    @Option(name: .long, help: "The configuration file.")
    var config: String

    @Option(name: .long, help: "Least level of log lines: trace, debug, info, notice, warning, error or critical.")
    var logLevel: LogLevelArgument = .init(level: .info)

    func run() async throws {
        forbidCoreDumps()
        // The store and its copies hold every order: for this user alone.
        umask(0o077)
        let file = try loadConfiguration(config)
        let clock = SystemClock()
        let output = LogOutput()
        let logger = makeLogger(level: logLevel.level, clock: clock, output: output)
        let url: @Sendable (Int) -> String = { port in "\(file.http.tls == nil ? "http" : "https")://\(urlHost(file.http.host)):\(port)" }
        let parts: GatewayParts
        do {
            parts = try await GatewayParts(file, clock: clock, logger: logger) { logger.notice("listening on \(url($0))") }
            do { try await parts.checkLocks() } catch {
                await parts.store.close()
                throw error
            }
        } catch let error as StartError {
            printError("turnstile: \(error)")
            throw error.isConfiguration ? Exit.configuration : Exit.error
        }
        let outcome = await Result.capturing { try await runServices([LogFlusher(output: output, clock: clock)] + parts.services, logger: logger) }
        await parts.store.close()
        if case .failure(let error) = outcome {
            logger.critical("stopped", error: error)
            if let words = listeningProblem(error, on: file.http) { printError("turnstile: \(words)") }
            throw Exit.error
        }
        logger.notice("stopped")
    }
}

/// Runs until SIGTERM or SIGINT, or until one of the services ends, which the others do not survive.
func runServices(_ services: [any Service], logger: Logger) async throws {
    var configuration = ServiceGroupConfiguration(
        services: services.map {
            .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup, failureTerminationBehavior: .gracefullyShutdownGroup)
        },
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    configuration.maximumGracefulShutdownDuration = .seconds(30)
    try await ServiceGroup(configuration: configuration).run()
}

/// Reads a file, or prints all its problems and ends with exit code 4.
func loadConfiguration(_ path: String) throws -> ConfigurationFile {
    do {
        return try ConfigurationLoader.program.load(path: path)
    } catch {
        printError(error.description)
        throw Exit.configuration
    }
}

/// What a failed bind means, in words for the operator; nil for any other error.
private func listeningProblem(_ error: any Error, on http: HTTPSettings) -> String? {
    switch (error as? IOError)?.errnoCode {
    case EADDRINUSE: "\(http.host) port \(http.port) is taken by another program; is a gateway running already? Otherwise change http.port"
    case EACCES: "\(http.host) port \(http.port) may not be opened by this user; ports below 1024 need a right of their own"
    case EADDRNOTAVAIL: "\(http.host) is not an address of this machine; change http.host"
    default: nil
    }
}

/// A core dump would hold every secret.
private func forbidCoreDumps() {
    var limit = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
}

func urlHost(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }

struct LogLevelArgument: ExpressibleByArgument, Sendable {
    let level: Logger.Level
    init(level: Logger.Level) { self.level = level }
    init?(argument: String) {
        guard let level = Logger.Level(rawValue: argument) else { return nil }
        self.level = level
    }
    var defaultValueDescription: String { level.rawValue }
    static var allValueStrings: [String] { Logger.Level.allCases.map(\.rawValue) }
}

extension Result where Failure == any Error {
    /// What `body` returned or threw.
    static func capturing(_ body: () async throws -> Success) async -> Self {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
