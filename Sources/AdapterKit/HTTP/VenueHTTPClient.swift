import AsyncHTTPClient
import BrokerContract
import Dispatch
import FailPoints
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import TradingModel

/// HTTP to a venue: every request is sent at most once, and its end says what may have left.
///
/// Redirects, proxies, decompression, HTTP/2 and the client's own connection retries are off, because each of them may repeat
/// a request or hide what happened to it. Certificates are verified.
///
/// The send window is checked before the request is handed over and again by ``SendGate`` for each part at the instant of the
/// write, on the connection's thread. What is left: the process may be stopped between that check and the system call, and the
/// kernel may keep bytes that it was given (a full socket buffer). Both are covered by the pause margin, not by this client.
public final class VenueHTTPClient: Sendable {
    private let client: HTTPClient
    private let loop: any EventLoop
    private let clock: any TradingClock
    private let tickets: SendTickets

    /// - Parameters:
    ///   - connectTimeout: For the connection including TLS. It starts no byte of a request.
    ///   - idleTimeout: A pooled connection that rested this long is not used again.
    ///   - maximumConnections: Per host. Further requests wait for one, at most to the end of their window or time-out.
    ///   - trustRootsFile: A PEM file whose certificates are trusted instead of the system's. Nil trusts the system's.
    public init(
        clock: any TradingClock, connectTimeout: Duration, idleTimeout: Duration = .seconds(30), maximumConnections: Int = 32,
        trustRootsFile: String? = nil
    ) {
        let tickets = SendTickets()
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.proxy = nil
        configuration.tlsConfiguration = .verifying(trustRootsFile: trustRootsFile)
        configuration.decompression = .disabled
        configuration.timeout = .init(connect: .nanoseconds(connectTimeout.wholeMicroseconds * 1000))
        configuration.connectionPool.idleTimeout = .nanoseconds(idleTimeout.wholeMicroseconds * 1000)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = maximumConnections
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.http1_1ConnectionDebugInitializer = { channel in
            channel.eventLoop.submit {
                let pipeline = channel.pipeline.syncOperations
                let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
                try pipeline.addHandler(SendGate(tickets: tickets), position: .after(decoder))
            }
        }
        let group = MultiThreadedEventLoopGroup.singleton
        client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
        loop = group.next()
        self.clock = clock
        self.tickets = tickets
    }

    /// The client keeps itself alive until its connections are closed. Nothing is under way here: a request holds `self`.
    deinit { client.shutdown(queue: .global()) { _ in } }

    /// Sends one request, once. Cancellation withdraws it if it can still be withdrawn; after that the result is `unknown`.
    public func send(_ request: VenueRequest) async -> VenueHTTPResult {
        let started = clock.monotonic
        let ticket = SendTicket(window: request.window, clock: clock)
        let number = tickets.add(ticket)
        defer { tickets.remove(number) }
        let prepared: HTTPClient.Request
        do { prepared = try prepare(request, ticketNumber: number) } catch {
            return .notSent(.invalid, Evidence(mayHaveLeft: false, message: "\(error)"))
        }
        if request.isCommand { failPoint("egress.before_send") }
        if let window = request.window, !window.isOpen(at: clock.monotonic) {
            return .notSent(.windowClosed, Evidence(mayHaveLeft: false, elapsed: clock.monotonic - started))
        }
        if Task.isCancelled { return .notSent(.cancelled, Evidence(mayHaveLeft: false)) }

        let delegate = ReplyDelegate(limit: request.maximumReplyBytes, isCommand: request.isCommand)
        // Not `.delegateAndChannel`: the pool closes such a connection after one request. A preference is enough for one
        // loop, because all requests of this client have the same.
        let task = client.execute(
            request: prepared, delegate: delegate, eventLoop: .delegate(on: loop),
            deadline: .now() + .nanoseconds(request.timeout.wholeMicroseconds * 1000))
        let closing = scheduleWindowEnd(request.window, ticket: ticket, task: task)
        defer { closing?.cancel() }
        do {
            let whole = try await withTaskCancellationHandler {
                try await task.futureResult.get()
            } onCancel: {
                ticket.withdraw(.cancelled)
                task.fail(reason: CallerCancelled())
            }
            if request.isCommand { failPoint("egress.reply_read") }
            return .replied(
                VenueReply(
                    status: Int(whole.head.status.code), headers: whole.head.headers.map { ($0.name, $0.value) },
                    body: whole.body, elapsed: clock.monotonic - started))
        } catch {
            return SendVerdict(
                error: error, ticket: ticket, headWasSent: delegate.headWasSent, status: delegate.status,
                elapsed: clock.monotonic - started
            ).result
        }
    }

    private func prepare(_ request: VenueRequest, ticketNumber: String) throws -> HTTPClient.Request {
        var headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
        headers.replaceOrAdd(name: SendTickets.header, value: ticketNumber)
        return try HTTPClient.Request(
            url: request.url, method: HTTPMethod(rawValue: request.method.rawValue), headers: headers,
            body: request.body.map { .string($0) })
    }

    /// Ends a request that is still waiting for its connection when the window closes, instead of at the time-out.
    private func scheduleWindowEnd(
        _ window: SendWindow?, ticket: SendTicket, task: HTTPClient.Task<ReplyDelegate.Whole>
    ) -> Scheduled<Void>? {
        guard let window else { return nil }
        let left = window.notAfter - clock.monotonic
        return loop.scheduleTask(in: .nanoseconds(max(0, left.wholeMicroseconds * 1000))) {
            guard ticket.withdraw(.windowClosed) != .passed else { return }
            task.fail(reason: WindowEnded())
        }
    }
}

struct CallerCancelled: Error {}
struct WindowEnded: Error {}

extension TLSConfiguration {
    /// Verifies the other side's certificate and its name, against the system's roots or those of a PEM file.
    static func verifying(trustRootsFile: String?) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let trustRootsFile { configuration.trustRoots = .file(trustRootsFile) }
        return configuration
    }
}
