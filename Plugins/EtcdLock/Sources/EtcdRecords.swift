import AdapterKit
import Foundation
import LockContract
import TradingModel

/// The names of keys. A lock's key is the resource itself: `etcdctl get account_lock:spot1`.
enum EtcdKeys {
    static let epoch = "turnstile:lock_epoch"
    static func fence(_ resource: LockResource) -> String { "fence:\(resource)" }
    static func forced(_ fence: FencingToken) -> String { "turnstile:forced_releases/\(fence)" }
    /// The length keeps the lines of resources apart whose names begin alike.
    static func line(_ resource: LockResource) -> String { "wait:\(resource.rawValue.utf8.count):\(resource)/" }
}

/// One key with its value, as the server has it.
struct EtcdEntry: Sendable {
    let key: String
    let value: Data
    let created: Int64
    let modified: Int64
    let lease: Int64

    init?(_ json: WireJSON) {
        guard let key = json["key"]?.string.flatMap({ Data(base64Encoded: $0) }) else { return nil }
        self.key = String(decoding: key, as: UTF8.self)
        value = json["value"]?.string.flatMap { Data(base64Encoded: $0) } ?? Data()
        created = json.number("create_revision")
        modified = json.number("mod_revision")
        lease = json.number("lease")
    }

    func decoded<T: Decodable>(_ type: T.Type) -> T? { try? JSONDecoder().decode(type, from: value) }
}

/// The value of a lock's key, which is there while the lease runs.
struct LockRecord: Codable, Sendable {
    var owner: String
    var epoch: Int64
    var holder: HolderIdentity
    var predecessorExpired: Bool
    /// The holder's wall clock, in microseconds; for people.
    var grantedAt: Int64
}

/// The value of a fence's key, which is never deleted.
struct FenceRecord: Codable, Sendable {
    enum State: String, Codable { case held, released, forced }
    var owner: String
    var epoch: Int64
    var state: State
    /// Nil while held: then it is the revision at which the record was written.
    var counter: Int64?
}

/// The value of the epoch's key.
struct EpochRecord: Codable, Sendable {
    var epoch: Int64
    var cluster: String
    /// Wall clock at which stored data was found to be new or changed, in microseconds.
    var since: Int64
}

/// What stands on one lock, all of one revision.
struct LockSight: Sendable {
    var lock: EtcdEntry?
    var fence: EtcdEntry?
    var epoch: EtcdEntry?
    /// The first in line, and how many wait.
    var firstInLine: EtcdEntry?
    var waiters: Int
    var cluster: String
    var revision: Int64

    var lockRecord: LockRecord? { lock?.decoded(LockRecord.self) }
    var fenceRecord: FenceRecord? { fence?.decoded(FenceRecord.self) }
    var epochRecord: EpochRecord? { epoch?.decoded(EpochRecord.self) }

    /// The last fence that was granted.
    var lastFence: FencingToken? {
        guard let fence, let record = fenceRecord else { return nil }
        return FencingToken(epoch: record.epoch, counter: record.counter ?? fence.modified)
    }
}
