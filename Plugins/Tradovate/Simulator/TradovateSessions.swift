import SimulatorKit
import Synchronization
import TradingModel

/// Users, tokens and penalties of the simulated venue.
final class TradovateSessions: Sendable {
    /// A user may have so many sessions; one more closes the oldest. Source: stage-1 of the partner conformance programme.
    static let maximumSessions = 2

    enum Check: Sendable { case good(user: String), expired, displaced, unknown }

    private struct Token {
        let user: String
        let session: Int
        let endsAt: MonotonicInstant
    }

    private struct State {
        var tokens: [String: Token] = [:]
        /// By user, oldest first.
        var sessions: [String: [Int]] = [:]
        var displaced: Set<Int> = []
        var next = 1
        var logins = 0
        var renewals = 0
        var penalties: [String: Penalty] = [:]
    }

    private struct Penalty {
        var times: Int
        var seconds: Int64
        let captcha: Bool
        var ticket: String?
        var payableAt: MonotonicInstant?
    }

    private let state = Mutex(State())
    private let clock: any TradingClock
    private let life: Duration
    private let passwords: [String: String]

    /// - Parameter passwords: By user; empty takes any.
    init(clock: any TradingClock, life: Duration, passwords: [String: String]) {
        self.clock = clock
        self.life = life
        self.passwords = passwords
    }

    var logins: Int { state.withLock { $0.logins } }
    var renewals: Int { state.withLock { $0.renewals } }

    /// The answer to a token request; nil if the password is wrong.
    func logIn(_ user: String, password: String) -> JSONValue? {
        guard passwords.isEmpty || passwords[user] == password, !user.isEmpty else { return nil }
        return state.withLock { state in
            state.logins += 1
            state.next += 1
            state.sessions[user, default: []].append(state.next)
            if state.sessions[user, default: []].count > Self.maximumSessions, let oldest = state.sessions[user]?.removeFirst() {
                state.displaced.insert(oldest)
            }
            return grant(user, session: state.next, in: &state)
        }
    }

    /// A new token of the same session; nil if the old one is not good.
    func renew(_ token: String) -> JSONValue? {
        guard case .good(let user) = check(token) else { return nil }
        return state.withLock { state in
            guard let session = state.tokens[token]?.session else { return nil }
            state.renewals += 1
            return grant(user, session: session, in: &state)
        }
    }

    func check(_ token: String) -> Check {
        let now = clock.monotonic
        return state.withLock { state in
            guard let known = state.tokens[token] else { return .unknown }
            if state.displaced.contains(known.session) { return .displaced }
            return now < known.endsAt ? .good(user: known.user) : .expired
        }
    }

    /// Displaces every session, as newer ones of the same users would.
    func kickAll() {
        state.withLock { state in
            state.displaced.formUnion(state.sessions.values.joined())
            state.sessions = [:]
        }
    }

    /// Ends every token now.
    func expireAll() { state.withLock { $0.tokens = [:] } }

    // MARK: Penalties

    /// The next `times` requests to the path are answered with a ticket.
    func penalise(_ path: String, times: Int, seconds: Int64, captcha: Bool) {
        state.withLock { $0.penalties[path.lowercased()] = Penalty(times: times, seconds: seconds, captcha: captcha) }
    }

    /// The ticket that answers this request; nil if it may pass. One that comes too early, or without its ticket, gets a doubled one.
    func penalty(for path: String, ticket: String?) -> JSONValue? {
        let now = clock.monotonic
        return state.withLock { state in
            guard var penalty = state.penalties[path.lowercased()] else { return nil }
            if let owed = penalty.ticket, let payableAt = penalty.payableAt {
                if ticket == owed, now >= payableAt {
                    penalty.times -= 1
                    penalty.ticket = nil
                    state.penalties[path.lowercased()] = penalty.times > 0 ? penalty : nil
                    return nil
                }
                penalty.seconds *= 2
            }
            state.next += 1
            penalty.ticket = "ticket-\(state.next)"
            penalty.payableAt = now + .seconds(penalty.seconds)
            state.penalties[path.lowercased()] = penalty
            return .object([
                "p-ticket": .string(penalty.ticket ?? ""), "p-time": .integer(penalty.seconds), "p-captcha": .boolean(penalty.captcha),
            ])
        }
    }

    func reset() { state.withLock { $0.penalties = [:] } }

    private func grant(_ user: String, session: Int, in state: inout State) -> JSONValue {
        state.next += 1
        let token = "SIM.tok.\(state.next)"
        state.tokens[token] = Token(user: user, session: session, endsAt: clock.monotonic + life)
        return .object([
            "accessToken": .string(token), "mdAccessToken": .string("SIM.md.\(state.next)"), "expirationTime": .time(clock.wallTime + life),
            "passwordExpirationTime": "2036-01-01T00:00:00.000Z", "userStatus": "Active", "userId": 15460, "name": .string(user),
            "hasLive": false, "hasSimPlus": false, "showKIDs": false,
        ])
    }
}
