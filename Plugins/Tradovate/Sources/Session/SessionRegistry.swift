import BrokerContract
import Synchronization
import TradingModel

/// The sessions of this process: accounts of one user share one, because the venue allows a user only two.
///
/// A session lives from the first `run()` of one of its accounts to the end of the last.
final class SessionRegistry: Sendable {
    static let shared = SessionRegistry()

    struct Key: Sendable, Hashable {
        let rest: String
        let webSocket: String
        let credentials: TradovateConfiguration.Credentials
    }

    private struct Entry {
        let session: TradovateSession
        var users = 1
    }

    private let entries = Mutex<[Key: Entry]>([:])

    /// The user's session, made if there is none. To be followed by ``leave(_:)``.
    func join(_ key: Key, making make: () throws(BrokerError) -> TradovateSession) throws(BrokerError) -> TradovateSession {
        try entries.withLock { entries throws(BrokerError) in
            if let session = entries[key]?.session {
                entries[key]?.users += 1
                return session
            }
            let session = try make()
            entries[key] = Entry(session: session)
            return session
        }
    }

    func leave(_ key: Key) {
        entries.withLock { entries in
            entries[key]?.users -= 1
            if let users = entries[key]?.users, users <= 0 { entries[key] = nil }
        }
    }
}
