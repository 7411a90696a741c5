import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTPTypes
import Synchronization
import TradingModel

/// Ends connections whose body does not arrive in time.
///
/// One watcher looks at all of them, so that a request costs two short locks and no timer.
final class BodyDeadlines: Sendable {
    /// The deadline passed; the connection is gone.
    struct Passed: Error {}

    private struct Waiting {
        let deadline: MonotonicInstant
        let channel: any Channel
        /// Whether the request has no answer yet.
        let awaitsAnswer: Bool
    }

    private struct State {
        var nextID: UInt64 = 0
        var waiting: [UInt64: Waiting] = [:]
    }

    private let limit: Duration
    private let clock: any TradingClock
    private let state = Mutex(State())

    init(limit: Duration, clock: any TradingClock) {
        self.limit = limit
        self.clock = clock
    }

    /// Runs `read`; if it does not end in time, answers 408, closes the connection and throws ``Passed``.
    func limiting<Value>(_ channel: any Channel, _ read: () async throws -> Value) async throws -> Value {
        let id = begin(channel, awaitsAnswer: true)
        let result: Result<Value, any Error>
        do { result = .success(try await read()) } catch { result = .failure(error) }
        guard end(id) else {
            try await channel.closeFuture.get()
            throw Passed()
        }
        return try result.get()
    }

    /// Throws the rest of a body away, as long as it is neither slow nor long.
    func drain(_ body: RequestBody, of channel: any Channel) async throws {
        let id = begin(channel, awaitsAnswer: false)
        defer { _ = end(id) }
        var drained = 0
        for try await part in body {
            drained += part.readableBytes
            if drained > Response.maximumDrainedBytes { break }
        }
    }

    /// Runs until cancelled.
    func watch() async throws {
        let pause = min(.seconds(1), limit / 4)
        while true {
            try await clock.sleep(for: pause)
            let now = clock.monotonic
            let late = state.withLock { state in
                let late = state.waiting.filter { $0.value.deadline <= now }
                for id in late.keys { state.waiting[id] = nil }
                return late
            }
            for waiting in late.values { Self.close(waiting) }
        }
    }

    private func begin(_ channel: any Channel, awaitsAnswer: Bool) -> UInt64 {
        let deadline = clock.monotonic + limit
        return state.withLock { state in
            state.nextID += 1
            state.waiting[state.nextID] = Waiting(deadline: deadline, channel: channel, awaitsAnswer: awaitsAnswer)
            return state.nextID
        }
    }

    /// False if the deadline has passed.
    private func end(_ id: UInt64) -> Bool { state.withLock { $0.waiting.removeValue(forKey: id) != nil } }

    private static func close(_ waiting: Waiting) {
        let channel = waiting.channel
        guard waiting.awaitsAnswer else { return channel.close(promise: nil) }
        channel.eventLoop.execute {
            let headers: HTTPFields = [.contentLength: "0", .connection: "close"]
            channel.write(HTTPResponsePart.head(HTTPResponse(status: .requestTimeout, headerFields: headers)), promise: nil)
            channel.writeAndFlush(HTTPResponsePart.end(nil), promise: nil)
            channel.close(promise: nil)
        }
    }
}
