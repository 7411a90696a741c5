import StoreContract
import TradingModel

extension SignalRecord {
    public static let columns = [
        "id", "source", "key_hash", "key_is_explicit", "occurrence", "body_hash", "body", "verdict", "strategy", "received_at", "fired_at",
        "client_address", "request_id", "traceparent", "answer_status", "answer_body", "copies",
    ]

    public func write(to sink: inout some ColumnSink) {
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

    public init(columns source: some ColumnSource) throws {
        var row = ColumnReader(source)
        self.init(
            id: try row.id(), source: try row.id(), key: SignalKey(hash: try row.text(), isExplicit: try row.flag()),
            occurrence: try row.count(), bodyHash: try row.text(), body: try row.text(), verdict: try row.word(),
            strategy: try row.optionalID(), receivedAt: try row.time(), firedAt: try row.optionalTime(), clientAddress: try row.text(),
            requestID: try row.text(), traceparent: try row.optionalText(),
            answer: StoredAnswer(status: try row.count(), body: try row.text()), copies: try row.count())
    }
}

/// What is known of the latest signal with a key, for the decision about the next.
public struct KnownSignal: Sendable {
    public static let columns = ["id", "occurrence", "body_hash", "key_is_explicit", "received_at", "answer_status", "answer_body"]

    public let id: SignalID
    public let occurrence: Int
    public let bodyHash: String
    public let isExplicit: Bool
    public let receivedAt: Timestamp
    public let answer: StoredAnswer

    public init(columns source: some ColumnSource) throws {
        var row = ColumnReader(source)
        id = try row.id()
        occurrence = try row.count()
        bodyHash = try row.text()
        isExplicit = try row.flag()
        receivedAt = try row.time()
        answer = StoredAnswer(status: try row.count(), body: try row.text())
    }
}

