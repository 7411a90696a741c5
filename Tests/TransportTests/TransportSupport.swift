import AdapterKit
import BrokerContract
import Synchronization
import TradingModel

/// A boot clock that stands, then jumps far ahead once it was read a given number of times.
final class JumpingClock: TradingClock {
    private let reads = Mutex(0)
    private let readsBeforeJump: Int
    init(readsBeforeJump: Int) { self.readsBeforeJump = readsBeforeJump }

    var wallTime: Timestamp { Timestamp(milliseconds: 0) }
    var monotonic: MonotonicInstant {
        let count = reads.withLock { reads in
            reads += 1
            return reads
        }
        return MonotonicInstant(sinceBoot: .seconds(count > readsBeforeJump ? 10_000 : 100))
    }
    func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}

func makeClient(clock: any TradingClock = SystemClock(), connectTimeout: Duration = .seconds(2)) -> VenueHTTPClient {
    VenueHTTPClient(clock: clock, connectTimeout: connectTimeout)
}

/// A placement as an adapter sends it.
func order(
    port: Int, _ path: String = "/order?a=1", body: String? = nil, timeout: Duration = .seconds(5), window: Duration = .seconds(30),
    maximumReplyBytes: Int = 4096
) -> VenueRequest {
    VenueRequest(
        .post, "http://127.0.0.1:\(port)\(path)", body: body, maximumReplyBytes: maximumReplyBytes, timeout: timeout,
        window: SendWindow(notAfter: SystemClock().monotonic + window), isCommand: true)
}

extension VenueHTTPResult {
    var status: Int? { if case .replied(let reply) = self { reply.status } else { nil } }
    var notSent: NotSentReason? { if case .notSent(let reason, _) = self { reason } else { nil } }
    var unknown: UnknownCause? { if case .unknown(let cause, _) = self { cause } else { nil } }
    var evidence: Evidence? {
        switch self {
        case .replied: nil
        case .notSent(_, let evidence), .unknown(_, let evidence): evidence
        }
    }
}

/// Waits until `condition` holds, for at most two seconds.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<200 {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return condition()
}
