import LockContract
import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension AttemptRecord {
    static let columns = [
        "order_id", "number", "epoch", "counter", "owner", "holder_gateway", "holder_host", "holder_process_id", "holder_process_start",
        "holder_boot_id", "holder_purpose", "permitted_at", "not_after", "not_after_monotonic", "order_hash", "outcome", "evidence",
        "ended_at",
    ]

    func write(to sink: inout ValueList) {
        sink.add(orderID)
        sink.add(number)
        sink.add(fence.epoch)
        sink.add(fence.counter)
        sink.add(owner)
        sink.add(holder.gateway)
        sink.add(holder.host)
        sink.add(Int64(holder.processID))
        sink.add(Int64(bitPattern: holder.processStart))
        sink.add(holder.bootID)
        sink.add(holder.purpose)
        sink.add(permittedAt)
        sink.add(notAfter)
        sink.add(notAfterMonotonic.sinceBoot.wholeNanoseconds)
        sink.add(orderHash)
        sink.add(outcome)
        sink.add(evidence)
        sink.add(endedAt)
    }

    init(row source: PostgresRow) throws {
        var row = ColumnReader(source)
        self.init(
            orderID: try row.id(), number: try row.count(), fence: FencingToken(epoch: try row.integer(), counter: try row.integer()),
            owner: try row.id(),
            holder: HolderIdentity(
                gateway: try row.text(), host: try row.text(), processID: Int32(truncatingIfNeeded: try row.integer()),
                processStart: UInt64(bitPattern: try row.integer()), bootID: try row.text(), purpose: try row.text()),
            permittedAt: try row.time(), notAfter: try row.time(),
            notAfterMonotonic: MonotonicInstant(sinceBoot: .nanoseconds(try row.integer())), orderHash: try row.text(),
            outcome: row.optionalText(), evidence: row.optionalText(), endedAt: try row.optionalTime())
    }

    /// What is recorded of an attempt once it has ended.
    static let outcomeColumns = ["outcome", "evidence", "ended_at"]

    func writeOutcome(to sink: inout ValueList) {
        sink.add(outcome)
        sink.add(evidence)
        sink.add(endedAt)
    }
}
