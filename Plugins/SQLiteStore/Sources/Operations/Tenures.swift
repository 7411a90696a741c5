import GRDB
import LockContract
import StoreContract
import StoreKit
import TradingModel

extension StoreTransaction {
    func openTenure(_ request: TenureRequest, clock: any TradingClock) throws -> (tenure: Tenure, unclosedPredecessor: Tenure?) {
        try checkVersions(of: request, clock: clock)
        let epoch = try Int64.fetchOne(db.cachedStatement(sql: "SELECT epoch FROM meta")) ?? 1
        let previous = try storedTenure(of: request.account)
        let fence = FencingToken(epoch: max(epoch, previous?.tenure.fence.epoch ?? 0), counter: (previous?.tenure.fence.counter ?? 0) + 1)
        let holder = try HolderText.write(request.holder)
        try db.cachedStatement(
            sql: """
                INSERT INTO tenures (account, epoch, counter, owner, holder, lease_epoch, lease_counter, configuration_hash, opened_at, closed_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)
                ON CONFLICT (account) DO UPDATE SET epoch = excluded.epoch, counter = excluded.counter, owner = excluded.owner,
                holder = excluded.holder, lease_epoch = excluded.lease_epoch, lease_counter = excluded.lease_counter,
                configuration_hash = excluded.configuration_hash, opened_at = excluded.opened_at, closed_at = NULL
                """
        ).execute(arguments: [
            request.account.rawValue, fence.epoch, fence.counter, request.owner.rawValue, holder, request.leaseFence.epoch,
            request.leaseFence.counter, request.configurationHash, request.at.microseconds,
        ])
        try journal.write(.opened(request, fence: fence), at: request.at)
        let tenure = Tenure(account: request.account, fence: fence, owner: request.owner, holder: request.holder, openedAt: request.at)
        return (tenure, previous.flatMap { $0.isClosed ? nil : $0.tenure })
    }

    func closeTenure(_ tenure: Tenure, at: Timestamp) throws {
        try db.cachedStatement(
            sql: """
                UPDATE tenures SET closed_at = ?
                WHERE account = ? AND epoch = ? AND counter = ? AND owner = ? AND closed_at IS NULL
                """
        ).execute(arguments: [
            at.microseconds, tenure.account.rawValue, tenure.fence.epoch, tenure.fence.counter, tenure.owner.rawValue,
        ])
        guard db.changesCount == 1 else { return }
        try journal.write(.closed(tenure), at: at)
    }

    /// Throws `.fenced` unless the tenure is the account's latest, by number and by owner, and was not closed.
    func checkCurrent(_ tenure: Tenure) throws {
        let statement = try db.cachedStatement(sql: "SELECT epoch, counter, owner, closed_at FROM tenures WHERE account = ?")
        let row = try Row.fetchOne(statement, arguments: [tenure.account.rawValue])
        let current = row.map { FencingToken(epoch: $0[0], counter: $0[1]) }
        guard let row, current == tenure.fence, row[2] as String == tenure.owner.rawValue, row[3] as Int64? == nil else {
            throw StoreError.fenced(account: tenure.account, presented: tenure.fence, current: current)
        }
    }

    private func storedTenure(of account: AccountID) throws -> (tenure: Tenure, isClosed: Bool)? {
        let statement = try db.cachedStatement(
            sql: "SELECT epoch, counter, owner, holder, opened_at, closed_at FROM tenures WHERE account = ?")
        return try Row.fetchOne(statement, arguments: [account.rawValue]).map { row in
            let holder = try HolderText.read(row[3])
            let tenure = Tenure(
                account: account, fence: FencingToken(epoch: row[0], counter: row[1]), owner: row.identifier(2), holder: holder,
                openedAt: row.time(4))
            return (tenure, row[5] as Int64? != nil)
        }
    }
}
