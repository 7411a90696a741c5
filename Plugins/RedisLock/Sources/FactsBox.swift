import Synchronization

/// What the lock knows of its server, from the connection in use and from all replies.
final class FactsBox: Sendable {
    private struct State {
        var server: ServerFacts?
        var scripts: [String: String] = [:]
        var seenEpoch: Int64 = 0
        var refusal: String?
    }

    private let state = Mutex(State())

    /// Whether it tells something new.
    func note(_ server: ServerFacts) -> Bool {
        state.withLock { state in
            defer {
                state.server = server
                state.refusal = nil
            }
            return state.server?.warnings != server.warnings
        }
    }

    /// Whether it tells something new.
    func note(refusal: String) -> Bool {
        state.withLock { state in
            defer { state.refusal = refusal }
            return state.refusal != refusal
        }
    }

    func note(sha: String, of script: LockScript) { state.withLock { $0.scripts[script.name] = sha } }
    func see(_ epoch: Int64) { state.withLock { $0.seenEpoch = max($0.seenEpoch, epoch) } }

    /// What goes out with a script; nil before there was any connection.
    func sent(by script: LockScript) -> (sha: String, run: String, epoch: Int64)? {
        state.withLock { state in
            guard let sha = state.scripts[script.name], let server = state.server else { return nil }
            return (sha, server.run, state.seenEpoch)
        }
    }
}
