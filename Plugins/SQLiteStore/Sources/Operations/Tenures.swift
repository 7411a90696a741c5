import GRDB
import LockContract
import StoreContract
import StoreKit
import TradingModel

extension StoreTransaction {
    private static let opening =
        insertStatement(into: "tenures", StoredTenure.openingColumns)
        + " ON CONFLICT (account) DO UPDATE SET \(StoredTenure.openingColumns.dropFirst().map { "\($0) = excluded.\($0)" }.list), closed_at = NULL"

    func openTenure(_ request: TenureRequest) throws -> (tenure: Tenure, unclosedPredecessor: Tenure?) {
        let epoch = try Int64.fetchOne(db.cachedStatement(sql: "SELECT epoch FROM meta")) ?? 1
        let previous = try storedTenure(of: request.account)
        let fence = FencingToken(epoch: max(epoch, previous?.tenure.fence.epoch ?? 0), counter: (previous?.tenure.fence.counter ?? 0) + 1)
        var save = try DirectStatement(db, sql: Self.opening)
        try StoredTenure.write(request, fence: fence, to: &save)
        try save.run()
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

    private func storedTenure(of account: AccountID) throws -> StoredTenure? {
        let statement = try db.cachedStatement(sql: "SELECT \(StoredTenure.columns.list) FROM tenures WHERE account = ?")
        return try Row.fetchOne(statement, arguments: [account.rawValue]).map { try StoredTenure(columns: $0, account: account) }
    }
}
