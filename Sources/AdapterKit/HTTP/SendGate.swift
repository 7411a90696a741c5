import NIOCore
import NIOHTTP1
import Synchronization

/// The tickets of the requests that are under way in one client, by the number that travels in the gate's header.
final class SendTickets: Sendable {
    /// Takes a request's ticket number from the client to the gate. The gate removes it: it never reaches the wire.
    static let header = "x-turnstile-send-ticket"

    private struct Entries {
        var next: UInt64 = 0
        var byNumber: [String: SendTicket] = [:]
    }

    private let entries = Mutex(Entries())

    func add(_ ticket: SendTicket) -> String {
        entries.withLock { entries in
            entries.next += 1
            let number = String(entries.next)
            entries.byNumber[number] = ticket
            return number
        }
    }

    func ticket(_ number: String) -> SendTicket? { entries.withLock { $0.byNumber[number] } }
    func remove(_ number: String) { entries.withLock { _ = $0.byNumber.removeValue(forKey: number) } }
}

/// The last place before the bytes: sits between the HTTP client and the encoder of its connection.
///
/// Each part of a request is written only under a ticket that is still good at that instant; otherwise the part is dropped,
/// and everything after it, and the connection is closed. A request without a ticket is dropped as well.
final class SendGate: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    struct Shut: Error {}

    private let tickets: SendTickets
    private var ticket: SendTicket?
    private var isShut = false
    /// Whether the end of the request is bytes too.
    private var isChunked = false
    /// Whether bytes were written that no flush has sent yet.
    private var holdsBytes = false

    init(tickets: SendTickets) { self.tickets = tickets }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var part = unwrapOutboundIn(data)
        if case .head(var head) = part {
            ticket = head.headers.first(name: SendTickets.header).flatMap(tickets.ticket)
            head.headers.remove(name: SendTickets.header)
            isChunked = head.headers.contains(name: "transfer-encoding")
            part = .head(head)
        }
        guard !isShut, let ticket else { return shut(context: context, promise: promise) }
        if case .end = part, !isChunked, ticket.current == .passed {
            // No bytes: what is out is the whole request, and its reply is worth reading.
        } else {
            guard ticket.pass() else { return shut(context: context, promise: promise) }
            holdsBytes = true
        }
        context.write(wrapOutboundOut(part), promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        guard !isShut else { return }
        guard !holdsBytes || ticket?.pass() == true else { return shut(context: context, promise: nil) }
        holdsBytes = false
        context.flush()
    }

    /// The close comes one turn of the loop later, because the client is in the middle of its own bookkeeping of this write.
    private func shut(context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        promise?.fail(Shut())
        guard !isShut else { return }
        isShut = true
        let channel = context.channel
        context.eventLoop.execute { channel.close(promise: nil) }
    }
}
