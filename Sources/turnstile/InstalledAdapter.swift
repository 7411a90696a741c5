import BrokerContract
import ConformanceKit
import GatewayConfiguration

/// An adapter whose venue speaks for itself: one line makes it known to the configuration, to `adapter` and to `simulate`.
struct InstalledAdapter: Sendable {
    let register: @Sendable (inout BrokerRegistry) -> Void
    let subject: ConformanceSubject
    let simulator: VenueSimulator

    init<Plugin: BrokerPlugin, Venue: AdapterVenue>(_ plugin: Plugin.Type, at venue: Venue.Type) {
        register = { $0.register(plugin) }
        subject = ConformanceSubject(id: plugin.id, clauses: venue.clauses) { try venue.init(plugin) }
        simulator = VenueSimulator(id: plugin.id) { options, onListening in
            let tls = options.tls.map { (certificatePath: $0.certificate, keyPath: $0.key) }
            try await venue.serve(VenueServing(host: options.host, port: options.port, tls: tls, logger: options.logger)) { rest, webSocket in
                await onListening(SimulatorAddress(rest: rest, webSocket: webSocket))
            }
        }
    }
}
