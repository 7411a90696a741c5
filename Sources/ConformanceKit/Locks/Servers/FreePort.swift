import NIOCore
import NIOPosix

/// A port of 127.0.0.1 that was free a moment ago.
func freeServerPort() async throws -> Int {
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
    let port = listener.localAddress?.port ?? 0
    try await listener.close()
    return port
}

/// Whether somebody listens there.
func isListening(_ port: Int) async -> Bool {
    let channel = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connectTimeout(.seconds(1)).connect(host: "127.0.0.1", port: port).get()
    try? await channel?.close()
    return channel != nil
}
