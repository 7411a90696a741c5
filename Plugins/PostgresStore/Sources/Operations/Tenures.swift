import LockContract
import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension WriteTransaction {
    /// Locks the account's row, so that a fence also holds against a writer that does not take the store's lock.
    static func tenure(of account: AccountID) -> PostgresStatement {
        PostgresStatement("SELECT \(StoredTenure.columns.list) FROM tenures WHERE account = $1 FOR UPDATE", [.text(account.rawValue)])
    }

    private static let opening =
        insertStatement(into: "tenures", StoredTenure.openingColumns)
        + " ON CONFLICT (account) DO UPDATE SET \(StoredTenure.openingColumns.dropFirst().map { "\($0) = excluded.\($0)" }.list), closed_at = NULL"

    func openTenure(_ request: TenureRequest) async throws -> (tenure: Tenure, unclosedPredecessor: Tenure?) {
        let answers = try await ask([Self.tenure(of: request.account), WorkerQuestions.known])
        try WorkerRules.check(request, beside: answers[1].rows.map { try WorkerRecord(row: $0) }, schemaVersion: StoreServer.schemaVersion)
        let previous = try answers[0].first.map { try StoredTenure(row: $0, account: request.account) }
        let fence = FencingToken(epoch: max(epoch, previous?.tenure.fence.epoch ?? 0), counter: (previous?.tenure.fence.counter ?? 0) + 1)
        try await write(Self.opening, rows: 1) { try StoredTenure.write(request, fence: fence, to: &$0) }
        try await note(.opened(request, fence: fence), at: request.at)
        let tenure = Tenure(account: request.account, fence: fence, owner: request.owner, holder: request.holder, openedAt: request.at)
        return (tenure, previous.flatMap { $0.isClosed ? nil : $0.tenure })
    }

    func closeTenure(_ tenure: Tenure, at: Timestamp) async throws {
        let result = try await ask(
            "UPDATE tenures SET closed_at = $1 WHERE account = $2 AND epoch = $3 AND counter = $4 AND owner = $5 AND closed_at IS NULL",
            [
                .integer(at.microseconds), .text(tenure.account.rawValue), .integer(tenure.fence.epoch), .integer(tenure.fence.counter),
                .text(tenure.owner.rawValue),
            ])
        if result.affected == 1 { try await note(.closed(tenure), at: at) }
    }

    /// Throws `.fenced` unless the tenure is the account's latest, by number and by owner, and was not closed.
    static func check(_ tenure: Tenure, isCurrent row: PostgresRow?) throws {
        let stored = try row.map { try StoredTenure(row: $0, account: tenure.account) }
        guard let stored, stored.tenure.fence == tenure.fence, stored.tenure.owner == tenure.owner, !stored.isClosed else {
            throw StoreError.fenced(account: tenure.account, presented: tenure.fence, current: stored?.tenure.fence)
        }
    }
}
