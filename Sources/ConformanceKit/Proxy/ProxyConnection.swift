import Foundation
import NIOCore

/// Both ends of one proxied connection. Lives on the one event loop that both channels have.
final class ProxyConnection {
    let plan: ProxyPlan
    let front: any Channel
    var back: (any Channel)?
    /// What of the broker's current request has come, or waits for the venue's side to connect.
    private var request: ByteBuffer
    /// What of the venue's reply to a request with a fault has come.
    private var reply: ByteBuffer
    private var current: (number: Int, seen: SeenRequest)?
    private var replyFault: WireFault?
    private var isOpaque = false
    private var cutAfter: Int?
    private var isDeaf = false
    private var cutsOnReply = false

    init(plan: ProxyPlan, front: any Channel) {
        self.plan = plan
        self.front = front
        request = front.allocator.buffer(capacity: 4096)
        reply = front.allocator.buffer(capacity: 4096)
        isOpaque = plan.isOpaque
        cutAfter = plan.connected()
    }

    // MARK: From the broker

    func began() {
        if cutAfter == 0 { close(withReset: false) }
    }

    func received(_ bytes: inout ByteBuffer) {
        guard !isDeaf else { return }
        if let limit = cutAfter {
            plan.noteOpaque(bytes.readableBytes)
            cutAfter = max(0, limit - bytes.readableBytes)
            if bytes.readableBytes >= limit { close(withReset: true) }
            return
        }
        request.writeBuffer(&bytes)
        advance()
    }

    func venueConnected(_ channel: any Channel) {
        back = channel
        advance()
    }

    private func advance() {
        while request.readableBytes > 0 {
            guard !isOpaque, !isTLS else {
                isOpaque = true
                guard let back else { return }
                plan.noteOpaque(request.readableBytes)
                if plan.isOpaque {
                    switch plan.takeStreamFault(in: Array(request.readableBytesView)) {
                    case .cutRequest: return close(withReset: true)
                    case .cutAnswer: cutsOnReply = true
                    case .hang: isDeaf = true
                    case nil: break
                    }
                }
                back.writeAndFlush(request.readSlice(length: request.readableBytes) ?? ByteBuffer(), promise: nil)
                return
            }
            note()
            guard let back, let current, let length = MessageFrame.length(of: request) else { return }
            if MessageFrame.isUpgrade(request) { isOpaque = true }
            guard let whole = request.readSlice(length: length) else { return }
            plan.came(current.number, bytes: length, isWhole: true)
            self.current = nil
            forward(whole, of: current.seen, to: back)
        }
    }

    private var isTLS: Bool { request.getInteger(at: request.readerIndex, as: UInt8.self) == 0x16 }

    private func note() {
        if current == nil, let line = MessageFrame.requestLine(request) {
            let seen = SeenRequest(method: line.method, path: line.path, bytes: request.readableBytes, isWhole: false)
            current = (plan.began(seen), seen)
        }
        if let current { plan.came(current.number, bytes: request.readableBytes, isWhole: false) }
    }

    private func forward(_ whole: ByteBuffer, of seen: SeenRequest, to back: any Channel) {
        guard let fault = plan.take(for: seen) else {
            back.writeAndFlush(whole, promise: nil)
            return
        }
        guard fault.isDelivered else { return play(fault, onUndelivered: whole, to: back) }
        replyFault = fault
        reply.clear()
        back.writeAndFlush(whole, promise: nil)
    }

    private func play(_ fault: WireFault, onUndelivered whole: ByteBuffer, to back: any Channel) {
        switch fault {
        case .cutRequest(let point):
            let part = whole.getSlice(at: whole.readerIndex, length: point.offset(in: whole.readableBytes)) ?? ByteBuffer()
            back.writeAndFlush(part).assumeIsolated().whenComplete { _ in self.close(withReset: false) }
        case .answer(let canned, _): finish(ByteBuffer(string: canned.text))
        case .hang, .cutAfterRequest, .cutReply, .rewrite, .trickle: isDeaf = true
        }
    }

    // MARK: From the venue

    func replied(_ bytes: inout ByteBuffer) {
        if cutsOnReply { return close(withReset: true) }
        guard !isDeaf, !(isOpaque && plan.isSilent) else { return }
        if plan.isOpaque, let mapped = plan.mapped(Array(bytes.readableBytesView)) { bytes = ByteBuffer(bytes: mapped) }
        guard let fault = replyFault else {
            front.writeAndFlush(bytes, promise: nil)
            return
        }
        reply.writeBuffer(&bytes)
        guard let length = MessageFrame.length(of: reply), let whole = reply.readSlice(length: length) else { return }
        replyFault = nil
        switch fault {
        case .cutAfterRequest(let withReset): close(withReset: withReset)
        case .cutReply(let point):
            finish(whole.getSlice(at: whole.readerIndex, length: point.offset(in: length)) ?? ByteBuffer())
        case .answer(let canned, _): finish(ByteBuffer(string: canned.text))
        case .rewrite(let find, let with): front.writeAndFlush(rewritten(whole, find, with), promise: nil)
        case .trickle(let pieces, let pause): trickle(whole, pieces: pieces, every: pause)
        case .hang, .cutRequest: isDeaf = true
        }
    }

    private func rewritten(_ whole: ByteBuffer, _ find: String, _ with: String) -> ByteBuffer {
        let text = String(buffer: whole)
        guard text.contains(find) else { return whole }
        plan.noteRewrite()
        return ByteBuffer(string: text.replacing(find, with: with))
    }

    private func trickle(_ whole: ByteBuffer, pieces: Int, every pause: Duration) {
        var rest = whole
        guard pieces > 1, let piece = rest.readSlice(length: max(1, whole.readableBytes / pieces)) else {
            front.writeAndFlush(whole, promise: nil)
            return
        }
        front.writeAndFlush(piece, promise: nil)
        front.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(pause)) { self.trickle(rest, pieces: pieces - 1, every: pause) }
    }

    /// Writes the last bytes that the broker gets on this connection.
    private func finish(_ bytes: ByteBuffer) {
        isDeaf = true
        front.writeAndFlush(bytes).assumeIsolated().whenComplete { _ in self.close(withReset: false) }
    }

    // MARK: Ends

    /// The venue closed: so is the broker's side, unless a fault holds it.
    func venueEnded() {
        if !isDeaf { front.close(promise: nil) }
    }

    func inject(_ bytes: [UInt8]) {
        if isOpaque { front.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
    }

    func close(withReset: Bool) {
        isDeaf = true
        if withReset, let socket = front as? any SocketOptionProvider {
            _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        front.close(promise: nil)
        back?.close(promise: nil)
    }
}
