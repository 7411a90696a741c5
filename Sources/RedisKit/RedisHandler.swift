import NIOCore
import TradingModel

/// What became of one command.
public enum RedisOutcome: Sendable, Hashable {
    case reply(RESPValue)
    /// No byte of it was handed to a connection.
    case notSent(String)
    /// It may have been executed: no reply came in time, or the connection ended first.
    case lost(String)
}

/// Commands and replies of one connection, in the order of the wire. Lives on the connection's loop.
final class RedisHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private final class Slot {
        let id: Int
        /// Nil once the command is answered or given up. Its place stays, for its reply will still come.
        var promise: EventLoopPromise<RedisOutcome>?
        var timeout: Scheduled<Void>?
        /// How many pieces had come when the command went out.
        let seen: Int
        init(id: Int, promise: EventLoopPromise<RedisOutcome>, seen: Int) {
            self.id = id
            self.promise = promise
            self.seen = seen
        }
        func finish(_ outcome: RedisOutcome) {
            timeout?.cancel()
            promise?.succeed(outcome)
            promise = nil
        }
    }

    /// Commands under way at once.
    static let limit = 10_000

    private let reader: RESPReader
    private var slots: CircularBuffer<Slot> = []
    private var context: ChannelHandlerContext?
    private var pieces = 0
    private var nextID = 0

    init() throws { reader = try RESPReader() }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        fail("the connection ended")
    }

    /// Sends a command; returns the number by which it can be given up.
    func send(_ command: ByteBuffer, within timeout: Duration, _ promise: EventLoopPromise<RedisOutcome>) -> Int {
        nextID += 1
        guard let context, context.channel.isActive else {
            promise.succeed(.notSent("the connection has ended"))
            return nextID
        }
        guard slots.count < Self.limit else {
            promise.succeed(.notSent("\(Self.limit) commands are under way"))
            return nextID
        }
        let slot = Slot(id: nextID, promise: promise, seen: pieces)
        slots.append(slot)
        slot.timeout = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) { self.expire(slot, timeout) }
        context.writeAndFlush(NIOAny(command), promise: nil)
        return nextID
    }

    func giveUp(_ id: Int) { slots.first { $0.id == id }?.finish(.lost("cancelled")) }

    private func expire(_ slot: Slot, _ timeout: Duration) {
        guard slot.promise != nil else { return }
        slot.finish(.lost("no reply within \(timeout)"))
        // Nothing at all has come since: the peer is gone, or the way to it. A new connection may find it.
        if pieces == slot.seen { context?.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        pieces += 1
        do {
            try reader.feed(unwrapInboundIn(data))
            while let value = try reader.next() {
                guard let slot = slots.popFirst() else { throw RESPFailure(description: "a reply that nobody asked for") }
                slot.finish(.reply(value))
            }
        } catch {
            fail("\(error)")
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail("the connection ended")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail("\(error)")
        context.close(promise: nil)
    }

    private func fail(_ why: String) {
        let open = slots
        slots.removeAll()
        for slot in open { slot.finish(.lost(why)) }
    }
}
