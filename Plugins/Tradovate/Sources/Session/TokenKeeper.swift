import AdapterKit
import BrokerContract
import Foundation
import TradingModel

/// Gets the token of one user and keeps it alive. One keeper per session, so that no component logs another one out.
struct TokenKeeper: Sendable {
    let api: TradovateAPI
    let credentials: TradovateConfiguration.Credentials
    let clock: any TradingClock
    /// Tells in words what is being waited for.
    let note: @Sendable (String) -> Void

    /// What a reply to the token request means.
    enum Answer: Sendable, Hashable {
        case granted(Secret, life: Duration)
        case penalty(TradovateReply.Penalty)
        case refused(String)
        /// Locked for long.
        case locked(String)
        case failed(String)
    }

    /// Requests a token until there is one. Throws only if the venue refuses the credentials.
    func logIn() async throws {
        var backoff = ReconnectBackoff(initial: .seconds(1), maximum: .seconds(60))
        var ticket: String?
        while true {
            let answer: Answer
            do {
                let reply = try await api.requestToken(requestBody(ticket: ticket))
                answer = read(reply)
            } catch {
                try Task.checkCancellation()
                answer = .failed(error.message)
            }
            ticket = nil
            switch answer {
            case .granted(let token, let life): return api.token.set(token, life: life, now: clock.monotonic)
            case .refused(let text):
                throw BrokerError(.unauthenticated, effect: .refused, "the venue refuses the credentials: \(text)")
            case .penalty(let penalty):
                // A program cannot solve a captcha; it goes away with time. Source: example-api-js, lesson 3.
                let wait = penalty.needsCaptcha ? api.lockPause : penalty.wait
                note("the venue answered the login with a penalty: waiting \(wait.components.seconds) s")
                try await clock.sleep(for: wait)
                if !penalty.needsCaptcha { ticket = penalty.ticket }
            case .locked(let text):
                note("\(text): waiting \(api.lockPause.components.seconds) s")
                try await clock.sleep(for: api.lockPause)
            case .failed(let text):
                note(text)
                try await clock.sleep(for: backoff.next())
            }
        }
    }

    /// Renews before the end, and logs in again when the session is gone. Ends only by throwing.
    func keepAlive() async throws {
        var renewedOnDoubt: MonotonicInstant?
        while true {
            let now = clock.monotonic
            if api.token.current == nil || api.token.hasEnded(at: now) {
                api.token.drop()
                note("the session has ended: logging in again")
                try await logIn()
                note("connected")
            } else if api.token.isDue(at: now) {
                try await renew()
            } else if api.token.isDoubted {
                // A renewal makes no new session, so it also tells whether a doubted token is good; but there are only 15 in an hour.
                if let last = renewedOnDoubt, now - last < .seconds(300) {
                    api.token.settleDoubt()
                } else {
                    renewedOnDoubt = now
                    try await renew()
                }
            }
            try await clock.sleep(for: .milliseconds(200))
        }
    }

    private func renew() async throws {
        guard let bearer = api.token.current else { return }
        do {
            let reply = try await api.renewToken(bearer)
            switch read(reply) {
            case .granted(let token, let life): api.token.set(token, life: life, now: clock.monotonic)
            case .refused: api.token.drop()
            case .penalty(let penalty): try await clock.sleep(for: penalty.needsCaptcha ? api.lockPause : penalty.wait)
            case .locked, .failed: try await clock.sleep(for: .seconds(1))
            }
        } catch let error as BrokerError {
            try Task.checkCancellation()
            note("the token could not be renewed: \(error.message)")
            try await clock.sleep(for: .seconds(1))
        }
    }

    func requestBody(ticket: String?) -> WireJSON {
        var body = WireJSON.object([
            "name": .string(credentials.username.reveal()), "password": .string(credentials.password.reveal()),
            "appId": .string(credentials.appID), "appVersion": .string(credentials.appVersion), "deviceId": .string(credentials.deviceID),
        ])
        if let id = credentials.clientID { body = body.adding("cid", .string(id)) }
        if let secret = credentials.clientSecret { body = body.adding("sec", .string(secret.reveal())) }
        if let ticket { body = body.adding("p-ticket", .string(ticket)) }
        return body
    }

    /// The order of the tests matters: a penalty has no token, and an error text may come beside anything.
    func read(_ reply: VenueReply) -> Answer {
        switch reply.status {
        case 200: break
        case 401, 403: return .refused("HTTP \(reply.status)")
        case 408: return .refused("a newer session has displaced this one")
        case 423, 429: return .locked("the venue has locked the user (HTTP \(reply.status))")
        default: return .failed("HTTP \(reply.status)")
        }
        guard let json = try? WireJSON(parsing: reply.body) else { return .failed("an unreadable reply") }
        if let penalty = TradovateReply.Penalty(json) { return .penalty(penalty) }
        if let text = json["errorText"]?.string, !text.isEmpty { return .refused(text) }
        guard let token = json["accessToken"]?.string, !token.isEmpty,
            let end = json["expirationTime"]?.string.flatMap({ Timestamp(rfc3339: $0) })
        else { return .failed("a reply without a token") }
        // The venue's own clock, if it tells it: ours may be off. It is cut to whole seconds.
        let now = reply.header("Date").flatMap(Timestamp.init(httpDate:)).map { $0 + .seconds(1) } ?? clock.wallTime
        return .granted(Secret(token), life: max(.seconds(1), end - now))
    }
}

extension Timestamp {
    /// Reads `Sat, 21 Nov 2026 06:31:44 GMT`; nil for anything else. Source: RFC 9110, section 5.6.7.
    init?(httpDate text: String) {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", parts[1].count == 2, let month = months.firstIndex(of: String(parts[2])) else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        self.init(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
    }
}
