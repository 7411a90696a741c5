import GRDB
import StoreContract

/// The statements that every admission runs, prepared once for all admissions of a transaction.
final class AdmissionStatements {
    /// Whether a signal with this source and key is stored.
    var key: DirectStatement
    var signal: DirectStatement
    var order: DirectStatement

    init(_ db: Database) throws {
        key = try DirectStatement(db, sql: "SELECT 1 FROM signals WHERE source = ? AND key_hash = ? LIMIT 1")
        signal = try DirectStatement(db, sql: SignalRecord.insertion)
        order = try DirectStatement(db, sql: OrderRecord.insertion)
    }
}
