import AsyncHTTPClient
import BrokerContract
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import TradingModel

/// What a failed request proves.
///
/// `notSent` needs two things: the gate never let the request through, and the error is one that is known to come before the
/// write. Everything else is `unknown`.
struct SendVerdict {
    let error: any Error
    let ticket: SendTicket
    let headWasSent: Bool
    let status: Int?
    let elapsed: Duration

    var result: VenueHTTPResult {
        // From here on the gate lets nothing through: what has not passed never will.
        let reason = Self.reasonBeforeWrite(error)
        switch ticket.withdraw(reason ?? .notConnected) {
        case .withdrawn(let why) where why == .windowClosed || why == .cancelled:
            return .notSent(why, evidence(mayHaveLeft: false))
        case .withdrawn where !headWasSent:
            guard let reason else { return .unknown(cause, evidence(mayHaveLeft: true)) }
            return .notSent(reason, evidence(mayHaveLeft: false))
        case .withdrawn, .passed, .waiting:
            return .unknown(cause, evidence(mayHaveLeft: true))
        }
    }

    private func evidence(mayHaveLeft: Bool) -> Evidence {
        Evidence(mayHaveLeft: mayHaveLeft, httpStatus: status, message: String(describing: error), elapsed: elapsed)
    }

    private var cause: UnknownCause {
        switch error {
        case is CallerCancelled, is CancellationError: .cancelled
        case is ReplyDelegate.TooLong, is HTTPParserError: .unreadableReply
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout: .timedOut
        case let error as HTTPClientError where error == .cancelled: .cancelled
        default: .connectionLost
        }
    }

    /// The reason, if the error is one of connecting or of the pool.
    static func reasonBeforeWrite(_ error: any Error) -> NotSentReason? {
        switch error {
        case let error as HTTPClientError: reason(of: error)
        case let error as IOError where refusals.contains(error.errnoCode): .connectionRefused
        case let error as IOError where error.errnoCode == ETIMEDOUT: .connectTimedOut
        case let error as ChannelError: reason(of: error)
        case let error as NIOConnectionError:
            error.connectionErrors.isEmpty ? .nameNotResolved : error.connectionErrors.lazy.compactMap { reasonBeforeWrite($0.error) }.first
        case is SocketAddressError: .nameNotResolved
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: .tlsFailed
        default: nil
        }
    }

    private static let refusals: Set<CInt> = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENETDOWN, EADDRNOTAVAIL]

    private static func reason(of error: HTTPClientError) -> NotSentReason? {
        switch error {
        case .connectTimeout, .getConnectionFromPoolTimeout, .deadlineExceeded: .connectTimedOut
        case .tlsHandshakeTimeout: .tlsFailed
        case .alreadyShutdown: .notConnected
        default: nil
        }
    }

    private static func reason(of error: ChannelError) -> NotSentReason? {
        switch error {
        case .connectTimeout: .connectTimedOut
        case .ioOnClosedChannel, .alreadyClosed: .notConnected
        default: nil
        }
    }
}
