import LockContract
import StoreContract
import TradingModel

/// Who may work beside whom, the same in every store.
public enum WorkerRules {
    /// Throws `.mixedVersions` while a live worker of another gateway that started before the holder works with another configuration,
    /// program or schema.
    ///
    /// - Parameters:
    ///   - workers: All that are known, with their silence by the store's clock.
    ///   - schemaVersion: Of the tables, as this program knows them.
    public static func check(_ request: TenureRequest, beside workers: [WorkerRecord], schemaVersion: Int) throws(StoreError) {
        let own = workers.first { isSame($0.holder, request.holder) }
        for other in workers where other.isLive && other.holder.gateway != request.holder.gateway {
            // A holder that has sent no heartbeat counts as started last.
            if let own, own.startedAt <= other.startedAt { continue }
            var differences: [String] = []
            if other.configurationHash != request.configurationHash { differences.append("configuration") }
            if let own, own.programVersion != other.programVersion { differences.append("program \(other.programVersion)") }
            if other.schemaVersion != (own?.schemaVersion ?? schemaVersion) { differences.append("schema \(other.schemaVersion)") }
            guard differences.isEmpty else {
                throw .mixedVersions(
                    "gateway \(other.holder.gateway) on \(other.holder.host), which started earlier, works with another "
                        + differences.joined(separator: ", another "))
            }
        }
    }

    /// Whether both name one process; `purpose` is of no account.
    public static func isSame(_ a: HolderIdentity, _ b: HolderIdentity) -> Bool {
        a.gateway == b.gateway && a.host == b.host && a.processID == b.processID && a.processStart == b.processStart && a.bootID == b.bootID
    }
}
