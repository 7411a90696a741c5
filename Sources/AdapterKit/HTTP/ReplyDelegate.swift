import AsyncHTTPClient
import FailPoints
import NIOCore
import NIOHTTP1
import Synchronization

/// Reads one reply into memory, up to a limit, and notes when the request's head went out.
final class ReplyDelegate: HTTPClientResponseDelegate, Sendable {
    struct TooLong: Error, CustomStringConvertible {
        let limit: Int
        var description: String { "the reply is longer than \(limit) bytes" }
    }

    struct Whole: Sendable {
        let head: HTTPResponseHead
        let body: [UInt8]
    }

    private struct State {
        var headSent = false
        var head: HTTPResponseHead?
        var body: [UInt8] = []
    }

    private let state = Mutex(State())
    private let limit: Int
    private let isCommand: Bool

    init(limit: Int, isCommand: Bool) {
        self.limit = limit
        self.isCommand = isCommand
    }

    /// Whether the head was handed to the connection: its bytes may be out.
    var headWasSent: Bool { state.withLock { $0.headSent } }
    /// The status, if at least the reply's head was read.
    var status: Int? { state.withLock { $0.head.map { Int($0.status.code) } } }

    func didSendRequestHead(task: HTTPClient.Task<Whole>, _ head: HTTPRequestHead) {
        state.withLock { $0.headSent = true }
        if isCommand { failPoint("egress.head_sent") }
    }

    func didSendRequest(task: HTTPClient.Task<Whole>) {
        if isCommand { failPoint("egress.request_sent") }
    }

    func didReceiveHead(task: HTTPClient.Task<Whole>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        state.withLock { $0.head = head }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Whole>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        let fits = state.withLock { state in
            guard state.body.count + buffer.readableBytes <= limit else { return false }
            state.body.append(contentsOf: buffer.readableBytesView)
            return true
        }
        return fits ? task.eventLoop.makeSucceededVoidFuture() : task.eventLoop.makeFailedFuture(TooLong(limit: limit))
    }

    func didFinishRequest(task: HTTPClient.Task<Whole>) throws -> Whole {
        let whole = state.withLock { state in state.head.map { Whole(head: $0, body: state.body) } }
        guard let whole else { throw HTTPClientError.remoteConnectionClosed }
        return whole
    }
}
