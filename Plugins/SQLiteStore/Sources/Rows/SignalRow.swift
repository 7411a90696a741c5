import GRDB
import StoreContract
import StoreKit
import TradingModel

extension SignalRecord {
    static let columns = """
        id, source, key_hash, key_is_explicit, occurrence, body_hash, body, verdict, strategy, received_at, fired_at, client_address, \
        request_id, traceparent, answer_status, answer_body, copies
        """

    static let insertion = "INSERT INTO signals (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

    init(row: Row) throws {
        self.init(
            id: row.identifier(0), source: row.identifier(1), key: SignalKey(hash: row.hash(2), isExplicit: row[3]), occurrence: row[4],
            bodyHash: row.hash(5), body: row[6], verdict: try row.word(7), strategy: row.optionalIdentifier(8), receivedAt: row.time(9),
            firedAt: row.optionalTime(10), clientAddress: row[11], requestID: row[12], traceparent: row[13],
            answer: StoredAnswer(status: row[14], body: row[15]), copies: row[16])
    }

    /// `insert` is a statement that begins with ``insertion``; `keyHash` is the key's, as it is stored.
    func insert(with insert: inout DirectStatement, keyHash: [UInt8]) throws {
        insert.start()
        insert.add(id.rawValue)
        insert.add(source.rawValue)
        insert.add(blob: keyHash)
        insert.add(key.isExplicit)
        insert.add(occurrence)
        insert.add(blob: try StoredHash.bytes(bodyHash))
        insert.add(body)
        insert.add(verdict.rawValue)
        insert.add(strategy?.rawValue)
        insert.add(receivedAt.microseconds)
        insert.add(firedAt?.microseconds)
        insert.add(clientAddress)
        insert.add(requestID)
        insert.add(traceparent)
        insert.add(answer.status)
        insert.add(answer.body)
        insert.add(copies)
        try insert.run()
    }
}
