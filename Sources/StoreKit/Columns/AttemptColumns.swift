import LockContract
import StoreContract
import TradingModel

extension AttemptRecord {
    public static let columns = [
        "order_id", "number", "epoch", "counter", "owner", "holder_gateway", "holder_host", "holder_process_id", "holder_process_start",
        "holder_boot_id", "holder_purpose", "permitted_at", "not_after", "not_after_monotonic", "order_hash", "outcome", "evidence",
        "ended_at",
    ]

    public func write(to sink: inout some ColumnSink) {
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

    public init(columns source: some ColumnSource) throws {
        var row = ColumnReader(source)
        self.init(
            orderID: try row.id(), number: try row.count(), fence: FencingToken(epoch: try row.integer(), counter: try row.integer()),
            owner: try row.id(),
            holder: HolderIdentity(
                gateway: try row.text(), host: try row.text(), processID: Int32(truncatingIfNeeded: try row.integer()),
                processStart: UInt64(bitPattern: try row.integer()), bootID: try row.text(), purpose: try row.text()),
            permittedAt: try row.time(), notAfter: try row.time(),
            notAfterMonotonic: MonotonicInstant(sinceBoot: .nanoseconds(try row.integer())), orderHash: try row.text(),
            outcome: try row.optionalText(), evidence: try row.optionalText(), endedAt: try row.optionalTime())
    }

    /// What is recorded of an attempt once it has ended.
    public static let outcomeColumns = ["outcome", "evidence", "ended_at"]

    public func writeOutcome(to sink: inout some ColumnSink) {
        sink.add(outcome)
        sink.add(evidence)
        sink.add(endedAt)
    }
}

extension Duration {
    /// Whole nanoseconds, clamped; 292 years fit.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflow2) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || overflow2 ? (seconds < 0 ? .min : .max) : sum
    }
}
