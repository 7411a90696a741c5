import Foundation
import LockContract
import RedisKit
import TradingModel

/// The names of keys. A lock's key is the resource itself, so that operators find it: `HGETALL account_lock:spot1`.
enum RedisKeys {
    static let epoch = "turnstile:lock_epoch"
    static let forced = "turnstile:forced_releases"
    static func fence(_ resource: LockResource) -> String { "fence:\(resource)" }
    static func resource(ofFence key: String) -> String? { key.hasPrefix("fence:") ? String(key.dropFirst(6)) : nil }
}

extension String {
    /// As a pattern that matches itself only.
    var literal: String { reduce(into: "") { $0 += "*?[]\\^-".contains($1) ? "\\\($1)" : String($1) } }
}

extension [RESPValue] {
    func field(_ index: Int) -> RESPValue? { indices.contains(index) ? self[index] : nil }
    func milliseconds(_ index: Int) -> Duration? { field(index)?.integer.map { .milliseconds($0) } }
}

/// What the scripts answer, in the contract's types. Fields: word, epoch, counter, predecessor expired, remaining, period, age,
/// owner's prefix, holder.
extension RedisLock {
    func text(_ holder: HolderIdentity) throws(LockError) -> String {
        do { return String(decoding: try JSONEncoder().encode(holder), as: UTF8.self) } catch { throw .unavailable("\(error)") }
    }

    private func fence(_ fields: Fields) throws(LockError) -> FencingToken {
        guard let epoch = fields.field(1)?.integer, let counter = fields.field(2)?.integer else {
            throw .unavailable("an answer without a fence: \(fields)")
        }
        return FencingToken(epoch: epoch, counter: counter)
    }

    func lease(_ resource: LockResource, _ owner: OwnerToken, _ fields: Fields, localExpiry: MonotonicInstant) throws(LockError) -> Lease {
        Lease(
            resource: resource, owner: owner, fence: try fence(fields), localExpiry: localExpiry,
            predecessorExpired: fields.field(3)?.string != "0")
    }

    /// What remained was read after the request was sent; a tenth of the whole period is the margin.
    func bound(_ fields: Fields, asked: MonotonicInstant) -> MonotonicInstant {
        let remaining = fields.milliseconds(4) ?? .zero
        return asked + remaining - max(fields.milliseconds(5) ?? .zero, remaining) / 10
    }

    func status(_ resource: LockResource, _ fields: Fields) throws(LockError) -> LockStatus {
        switch fields.first?.string {
        case "held", "own":
            let holder = fields.field(8)?.string.flatMap { try? JSONDecoder().decode(HolderIdentity.self, from: Data($0.utf8)) }
            return LockStatus(
                resource: resource, holder: holder, ownerPrefix: fields.field(7)?.string, fence: try fence(fields), age: fields.milliseconds(6),
                remaining: fields.milliseconds(4))
        case "free":
            return LockStatus(resource: resource, holder: nil, ownerPrefix: nil, fence: try fence(fields), age: nil, remaining: nil)
        case "never": return LockStatus(resource: resource, holder: nil, ownerPrefix: nil, fence: nil, age: nil, remaining: nil)
        default: throw .unavailable("an answer that cannot be read: \(fields)")
        }
    }
}
