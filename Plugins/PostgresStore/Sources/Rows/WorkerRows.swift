import Foundation
import LockContract
import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension WorkerRecord {
    /// What names the process.
    static let keyColumns = ["gateway", "host", "process_id", "process_start", "boot_id"]
    static let columns =
        keyColumns + ["purpose", "program_version", "schema_version", "configuration_hash", "started_at", "stopped_at"]

    /// How long ago it was heard, in microseconds of the server's own clock. A clock that was set back makes it no younger than now.
    static let silence = "greatest(0, (extract(epoch FROM clock_timestamp() - heard_at) * 1000000)::bigint)"

    static func writeKey(_ holder: HolderIdentity, to sink: inout ValueList) {
        sink.add(holder.gateway)
        sink.add(holder.host)
        sink.add(Int64(holder.processID))
        sink.add(Int64(bitPattern: holder.processStart))
        sink.add(holder.bootID)
    }

    func write(to sink: inout ValueList) {
        Self.writeKey(holder, to: &sink)
        sink.add(holder.purpose)
        sink.add(programVersion)
        sink.add(schemaVersion)
        sink.add(configurationHash)
        sink.add(startedAt)
        sink.add(stoppedAt)
    }

    /// A row of ``columns`` and, last, ``silence``.
    init(row source: PostgresRow) throws {
        var row = ColumnReader(source)
        let holder = HolderIdentity(
            gateway: try row.text(), host: try row.text(), processID: Int32(truncatingIfNeeded: try row.integer()),
            processStart: UInt64(bitPattern: try row.integer()), bootID: try row.text(), purpose: try row.text())
        self.init(
            holder: holder, programVersion: try row.text(), schemaVersion: try row.count(), configurationHash: try row.text(),
            startedAt: try row.time(), stoppedAt: try row.optionalTime(), silence: .microseconds(try row.integer()))
    }
}

extension DeadLetter.Crash {
    static let columns = ["at", "holder", "epoch", "counter"]

    init(row: inout ColumnReader) throws {
        let at = try row.time()
        let holder = try JSONDecoder().decode(HolderIdentity.self, from: Data(try row.text().utf8))
        self.init(at: at, holder: holder, fence: FencingToken(epoch: try row.integer(), counter: try row.integer()))
    }
}
