import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// Makes an HTTP/1.1 server with WebSocket upgrade on the accepted paths.
///
/// Run it by `run()` or in a `ServiceGroup`; cancelling the task that runs it closes every connection, a graceful shutdown
/// lets replies in progress end.
///
/// - Parameters:
///   - responder: What answers requests, usually `router.buildResponder()`.
///   - onListening: Called once, with the bound port.
/// - Throws: What is wrong with the TLS files.
public func makeServer<Responder: HTTPResponder>(
    responder: Responder, options: ServerOptions, logger: Logger, onListening: @escaping @Sendable (Int) async -> Void = { _ in }
) throws -> Application<Responder> where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
    let tls = try options.tls.map { files in
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(files.certificatePath).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: files.keyPath, format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
    return Application(
        responder: responder,
        server: HTTPServerBuilder { ServerChannel(responder: $0, options: options, tls: tls) },
        configuration: ApplicationConfiguration(
            address: .hostname(options.host, port: options.port),
            availableConnectionsDelegate: MaximumAvailableConnections(options.maximumConnections)),
        onServerRunning: { channel in await onListening(channel.localAddress?.port ?? options.port) },
        logger: logger)
}

extension Duration {
    /// For NIO's timers, clamped.
    var timeAmount: TimeAmount {
        let (seconds, attoseconds) = components
        guard seconds < 1_000_000_000 else { return .seconds(1_000_000_000) }
        return .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
