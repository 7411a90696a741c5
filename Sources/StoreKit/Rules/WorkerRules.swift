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
        let own = workers.first { $0.holder.processKey == request.holder.processKey }
        for other in workers where other.isLive && other.holder.gateway != request.holder.gateway {
            // A holder that has sent no heartbeat counts as started last.
            if let own, (own.startedAt, own.holder.processKey) < (other.startedAt, other.holder.processKey) { continue }
            let isAlike =
                other.configurationHash == request.configurationHash && other.schemaVersion == schemaVersion
                && other.programVersion == own?.programVersion ?? other.programVersion
            guard isAlike else {
                throw .mixedVersions(
                    "gateway \(other.holder.gateway) on \(other.holder.host) started at \(other.startedAt) and has another configuration or program "
                        + "(\(other.programVersion), schema \(other.schemaVersion), configuration \(other.configurationHash.prefix(8)))")
            }
        }
    }
}
