import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension SignalRecord {
    static let columns = [
        "id", "source", "key_hash", "key_is_explicit", "occurrence", "body_hash", "body", "verdict", "strategy", "received_at", "fired_at",
        "client_address", "request_id", "traceparent", "answer_status", "answer_body", "copies",
    ]

    func write(to sink: inout ValueList) {
        sink.add(id)
        sink.add(source)
        sink.add(key.hash)
        sink.add(key.isExplicit)
        sink.add(occurrence)
        sink.add(bodyHash)
        sink.add(body)
        sink.add(word: verdict)
        sink.add(strategy)
        sink.add(receivedAt)
        sink.add(firedAt)
        sink.add(clientAddress)
        sink.add(requestID)
        sink.add(traceparent)
        sink.add(answer.status)
        sink.add(answer.body)
        sink.add(copies)
    }

    init(row source: PostgresRow) throws {
        var row = ColumnReader(source)
        self.init(
            id: try row.id(), source: try row.id(), key: SignalKey(hash: try row.text(), isExplicit: try row.flag()),
            occurrence: try row.count(), bodyHash: try row.text(), body: try row.text(), verdict: try row.word(),
            strategy: row.optionalID(), receivedAt: try row.time(), firedAt: try row.optionalTime(), clientAddress: try row.text(),
            requestID: try row.text(), traceparent: row.optionalText(),
            answer: StoredAnswer(status: try row.count(), body: try row.text()), copies: try row.count())
    }
}

extension KnownSignal {
    static let columns = ["id", "occurrence", "body_hash", "key_is_explicit", "received_at", "answer_status", "answer_body"]

    /// - Parameter column: Where its columns begin.
    init(row source: PostgresRow, from column: Int = 0) throws {
        var row = ColumnReader(source, from: column)
        self.init(
            id: try row.id(), occurrence: try row.count(), bodyHash: try row.text(), isExplicit: try row.flag(), receivedAt: try row.time(),
            answer: StoredAnswer(status: try row.count(), body: try row.text()))
    }
}
