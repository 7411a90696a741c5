import Foundation
import LockContract
import PostgresKit
import TradingModel

/// One resource's row, with its times as they were when it was read.
struct LeaseRow: Sendable {
    let resource: LockResource
    let fence: FencingToken
    let state: String
    let owner: String
    let predecessorExpired: Bool
    let age: Duration
    let remaining: Duration
    let period: Duration
    let holder: HolderIdentity?
    /// How many stand in line.
    let waiters: Int

    init(_ row: PostgresRow) throws(PostgresError) {
        resource = LockResource(rawValue: try row.text(0))
        fence = FencingToken(epoch: try row.integer(1), counter: try row.integer(2))
        state = try row.text(3)
        owner = try row.text(4)
        predecessorExpired = try row.flag(5)
        age = .milliseconds(try row.integer(6))
        remaining = .milliseconds(try row.integer(7))
        period = .milliseconds(try row.integer(8))
        holder = try? JSONDecoder().decode(HolderIdentity.self, from: Data(try row.text(9).utf8))
        waiters = Int(try row.integer(10))
    }

    var isLive: Bool { state == "held" && remaining > .zero }

    /// What remained was read after the request was sent; a tenth of the whole period is the margin.
    func lease(asked: MonotonicInstant) -> Lease {
        Lease(
            resource: resource, owner: OwnerToken(rawValue: owner), fence: fence, localExpiry: asked + remaining - max(period, remaining) / 10,
            predecessorExpired: predecessorExpired)
    }

    var status: LockStatus {
        guard state == "held" else {
            return LockStatus(resource: resource, holder: nil, ownerPrefix: nil, fence: fence, age: nil, remaining: nil, waiters: waiters)
        }
        return LockStatus(
            resource: resource, holder: holder, ownerPrefix: OwnerToken(rawValue: owner).prefix, fence: fence, age: age, remaining: remaining,
            waiters: waiters)
    }
}
