import AdapterKit
import BrokerContract
import TradingModel

extension TradovateBroker {
    public func run() async throws(BrokerError) {
        let key = SessionRegistry.Key(
            rest: configuration.restBase ?? "", webSocket: configuration.webSocket?.absoluteString ?? "", credentials: configuration.credentials)
        let session = try SessionRegistry.shared.join(key) { () throws(BrokerError) in
            try TradovateSession(configuration, clock: clock, logger: logger)
        }
        state.withLock { $0.session = session }
        defer {
            state.withLock { state in
                state.session = nil
                state.account = nil
            }
            SessionRegistry.shared.leave(key)
        }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await session.run() }
                group.addTask { try await self.follow(session) }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch let error as BrokerError where error.kind != .cancelled {
            throw error
        } catch {
            // Cancellation: the only other way out.
        }
    }

    /// Finds the account and listens to it until cancelled. Throws if the user has no such account.
    private func follow(_ session: TradovateSession) async throws {
        var known = session.accounts
        while known == nil {
            try await clock.sleep(for: .milliseconds(20))
            known = session.accounts
        }
        let account = try Self.choose(configuration.account, from: known ?? [])
        state.withLock { $0.account = account }
        let member = session.attach(account.id, outlet)
        defer { session.detach(member) }
        while true {
            try await clock.sleep(for: .seconds(1))
            outlet.settle()
        }
    }

    /// The account that the configuration means, by name or number; without a word about it the only one.
    static func choose(_ wanted: String?, from accounts: [TradovateAccount]) throws(BrokerError) -> TradovateAccount {
        let names = accounts.map(\.name).joined(separator: ", ")
        guard let wanted else {
            if accounts.count == 1, let only = accounts.first { return only }
            throw BrokerError(.invalidRequest, effect: .notSent, "state account: which of \(names) is meant")
        }
        guard let account = accounts.first(where: { $0.name == wanted }) ?? accounts.first(where: { String($0.id) == wanted }) else {
            throw BrokerError(.invalidRequest, effect: .notSent, "the user has no account \(wanted); it has \(names)")
        }
        return account
    }
}
