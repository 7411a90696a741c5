import Histogram
import NIOCore
import NIOHTTP1
import NIOPosix

/// Sends requests at fixed times, whatever the server does, and measures each from the time at which it was due.
///
/// A slow answer therefore delays no later measurement, and a request that has to wait for a free connection is as late as it is:
/// coordinated omission cannot hide a stall.
///
/// Everything runs on one event loop; nothing is touched from elsewhere, which is why it need not be locked.
final class LoadGenerator: @unchecked Sendable {
    struct Report: Sendable {
        /// Microseconds from the scheduled time to the end of the answer.
        var latency: Histogram<UInt64>
        var accepted = 0
        var others = 0
        /// Between the first and the last answer.
        var elapsed: TimeAmount = .zero
    }

    private let loop: any EventLoop
    private let signals: Signals
    private let total: Int
    private let interval: TimeAmount
    private var idle: [Connection] = []
    private var due: [(number: Int, at: NIODeadline)] = []
    private var firstDue = 0
    private var next = 0
    private var start = NIODeadline.now()
    private var report = Report(latency: Histogram(highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: .three))
    private let done: EventLoopPromise<Report>

    /// - Parameter perSecond: Nil sends as soon as a connection is free.
    private init(_ signals: Signals, total: Int, perSecond: Int?, loop: any EventLoop) {
        self.loop = loop
        self.signals = signals
        self.total = total
        interval = perSecond.map { .nanoseconds(1_000_000_000 / Int64($0)) } ?? .zero
        done = loop.makePromise()
    }

    /// Sends `total` signals and waits for their answers.
    static func run(_ signals: Signals, total: Int, perSecond: Int?, connections: Int, port: Int) async throws -> Report {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let generator = LoadGenerator(signals, total: total, perSecond: perSecond, loop: loop)
        var channels: [any Channel] = []
        for _ in 0..<connections {
            let channel = try await ClientBootstrap(group: loop).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    let connection = Connection(generator, channel)
                    try channel.pipeline.syncOperations.addHandler(connection)
                    generator.idle.append(connection)
                }
            }.connect(host: "127.0.0.1", port: port).get()
            channels.append(channel)
        }
        loop.execute { generator.begin() }
        let report = try await generator.done.futureResult.get()
        for channel in channels { try? await channel.close() }
        return report
    }

    private func begin() {
        start = .now() + .milliseconds(50)
        loop.scheduleTask(deadline: start) { self.tick() }
    }

    /// Sends what is due, and comes again for the next.
    private func tick() {
        let now = NIODeadline.now()
        while next < total, scheduled(next) <= now, isPaced || idle.count > due.count - firstDue {
            due.append((next, isPaced ? scheduled(next) : now))
            next += 1
        }
        flush()
        if isPaced, next < total { loop.scheduleTask(deadline: scheduled(next)) { self.tick() } }
    }

    private var isPaced: Bool { interval > .zero }

    private func scheduled(_ number: Int) -> NIODeadline { start + .nanoseconds(interval.nanoseconds * Int64(number)) }

    private func flush() {
        while firstDue < due.count, let connection = idle.popLast() {
            let (number, at) = due[firstDue]
            firstDue += 1
            connection.send(signals.body(number), dueAt: at)
        }
        if firstDue > 10_000 {
            due.removeFirst(firstDue)
            firstDue = 0
        }
    }

    fileprivate func answered(_ connection: Connection, status: HTTPResponseStatus, dueAt: NIODeadline) {
        let now = NIODeadline.now()
        report.latency.record(UInt64(max(0, (now - dueAt).nanoseconds / 1000)))
        if status == .accepted { report.accepted += 1 } else { report.others += 1 }
        idle.append(connection)
        if report.accepted + report.others == total {
            report.elapsed = now - start
            done.succeed(report)
        } else if !isPaced {
            tick()
        } else {
            flush()
        }
    }

    fileprivate func lost(_ error: any Error) { done.fail(error) }
}

/// One kept-alive connection, with one request at a time.
private final class Connection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let generator: LoadGenerator
    private let channel: any Channel
    private var dueAt = NIODeadline.now()
    private var status = HTTPResponseStatus.ok
    private var isBusy = false

    init(_ generator: LoadGenerator, _ channel: any Channel) {
        self.generator = generator
        self.channel = channel
    }

    func send(_ body: String, dueAt: NIODeadline) {
        self.dueAt = dueAt
        isBusy = true
        let headers: HTTPHeaders = ["host": "127.0.0.1", "content-type": "application/json", "content-length": String(body.utf8.count)]
        channel.write(HTTPClientRequestPart.head(.init(version: .http1_1, method: .POST, uri: Signals.path, headers: headers)), promise: nil)
        channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(string: body))), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = head.status
        case .body: break
        case .end:
            isBusy = false
            generator.answered(self, status: status, dueAt: dueAt)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isBusy { generator.lost(BenchError("the gateway closed a connection without an answer")) }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        generator.lost(error)
        context.close(promise: nil)
    }
}
