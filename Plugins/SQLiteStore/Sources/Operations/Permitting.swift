import FailPoints
import GRDB
import StoreContract
import StoreKit
import TradingModel

extension StoreTransaction {
    func permit(_ request: PermitRequest, deciding decide: (PermitFacts) -> PermitVerdict) throws -> PermitResult {
        try checkCurrent(request.tenure)
        guard let order = try OrderRecord.find(db, request.orderID) else { throw StoreError.notFound("order \(request.orderID)") }
        try PermitRules.check(order, request)
        switch decide(try facts(for: order, at: request.now)) {
        case .wait(let reason): return .waiting(reason: reason)
        case .close(let state, let reason, let detail):
            let closed = try PermitRules.close(order, as: state, reason: reason, detail: detail, at: request.now)
            guard try closed.replace(db, isPermit: true) else { throw StoreError.refused("order \(order.id) changed while it was being closed") }
            try journal.write(.closed(closed), at: request.now)
            return .closed(closed)
        case .grant(let newOrder, let notes):
            let grant = try PermitRules.grant(newOrder, for: order, request, notes: notes)
            guard try grant.order.replace(db, isPermit: true) else {
                throw StoreError.refused("order \(order.id) changed while it was being permitted")
            }
            try grant.attempt.insert(db)
            try journal.write(grant.line, at: request.now)
            failPoint("store.permit.before_commit")
            return .granted(grant.permit, grant.order)
        }
    }
}
