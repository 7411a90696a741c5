import GRDB
import StoreContract

/// The statements that every admission runs, prepared once for all admissions of a transaction.
final class AdmissionStatements {
    /// Whether a signal with this source and key is stored.
    var key: DirectStatement
    var signal: DirectStatement
    /// The same, which does nothing if the key is known.
    var newSignal: DirectStatement
    var order: DirectStatement

    init(_ db: Database) throws {
        key = try DirectStatement(db, sql: "SELECT 1 FROM signals WHERE source = ? AND key_hash = ? LIMIT 1")
        signal = try DirectStatement(db, sql: SignalRecord.insertion)
        newSignal = try DirectStatement(db, sql: SignalRecord.insertion + " ON CONFLICT (source, key_hash, occurrence) DO NOTHING")
        order = try DirectStatement(db, sql: OrderRecord.insertion)
    }
}
