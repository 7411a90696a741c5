import Hummingbird
import NIOCore

/// What a handler knows about a request beside the request.
struct APIContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// The address of the TCP peer, without the port; empty if it is unknown.
    var peerAddress: String { channel.remoteAddress?.ipAddress ?? "" }
}
