import Gateway
import Hummingbird
import Logging
import ServerKit
import ServiceLifecycle
import TradingModel

/// The gateway's HTTP side: hooks, the read API, cancels, what operators decide, the event stream and the health checks. `Contracts/openapi.yaml` describes it.
public enum GatewayAPI {
    /// Makes the HTTP service. It opens its port in `run()`, not before.
    ///
    /// A graceful shutdown closes the port, ends event streams, and lets requests in progress be answered. Cancelling the task that
    /// runs the service closes every connection.
    ///
    /// - Parameters:
    ///   - clock: For the deadline of a hook's body and the pings of event streams.
    ///   - logger: Gets one line for each failure of ours; never a secret, a token or a body.
    /// - Throws: What is wrong with the TLS files.
    public static func makeService(
        gateway: TradingGateway, options: APIOptions, clock: any TradingClock, logger: Logger
    ) throws -> any Service {
        let deadlines = BodyDeadlines(limit: options.bodyDeadline, clock: clock)
        let readers = BearerTokens(.reader, options.readTokens + options.tradeTokens + options.adminTokens)
        let follower = JournalFollower(store: gateway.store, clock: clock, pingInterval: options.pingInterval)
        // One limit for both kinds of streams.
        let slots = EventStreamSlots(limit: options.maximumEventStreams)
        let stream = StreamEndpoint(follower: follower, slots: slots, readers: readers)
        let responder = APIResponder(
            hooks: HookEndpoint(gateway: gateway, deadlines: deadlines),
            health: HealthEndpoints(gateway: gateway, build: options.build),
            reads: ReadEndpoints(gateway: gateway, known: options.adapters),
            events: EventEndpoint(follower: follower, slots: slots),
            cancels: CancelEndpoint(gateway: gateway),
            syncs: SyncEndpoints(gateway: gateway),
            monitoring: MonitoringEndpoints(gateway: gateway),
            operations: OperatorEndpoints(gateway: gateway, deadlines: deadlines),
            readers: readers,
            traders: BearerTokens(.trader, options.tradeTokens),
            admins: BearerTokens(.admin, options.adminTokens),
            deadlines: deadlines,
            logger: logger)
        let server = try makeServer(
            responder: responder,
            options: ServerOptions(
                host: options.host, port: options.port,
                tls: options.tls.map { ServerOptions.TLS(certificatePath: $0.certificatePath, keyPath: $0.keyPath) },
                webSockets: [StreamEndpoint.path: { try await stream.serve($0) }], maximumMessageBytes: 4096),
            logger: logger, onListening: { port in options.onListening(port) })
        return APIService(server: server, deadlines: deadlines)
    }
}

/// Runs the server, and beside it the watch over slow bodies.
struct APIService: Service {
    let server: Application<APIResponder>
    let deadlines: BodyDeadlines

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await deadlines.watch() }
            defer { group.cancelAll() }
            try await server.run()
        }
    }
}
