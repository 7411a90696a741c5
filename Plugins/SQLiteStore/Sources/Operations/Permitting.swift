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
        guard try !isDeadLetter(order.id) else { throw StoreError.refused("order \(order.id) is a dead letter, for a person to decide") }
        let facts = try facts(for: order, at: request.now)
        switch decide(facts) {
        case .wait(let reason): return .waiting(reason: reason)
        case .close(let state, let reason, let detail):
            let closed = try PermitRules.close(order, legs: facts.legs, as: state, reason: reason, detail: detail, at: request.now)
            for order in closed {
                guard try order.replace(db, onlyFrom: PermitRules.permittable) else {
                    throw StoreError.refused("order \(order.id) changed while it was being closed")
                }
                try journal.write(.closed(order), at: request.now)
            }
            try settleEpisode(after: closed[0], at: request.now)
            return .closed(closed[0])
        case .grant(let newOrder, let notes):
            try PermitRules.checkNotHalted(facts)
            let grant = try PermitRules.grant(newOrder, for: order, request, notes: notes)
            try write(grant, at: request.now)
            for leg in facts.legs {
                try write(PermitRules.grant(leg: leg, with: newOrder, number: grant.attempt.number, request), at: request.now)
            }
            try settleEpisode(after: grant.order, isPermitted: grant.attempt.number == 1, at: request.now)
            failPoint("store.permit.before_commit")
            return .granted(PermitRules.permit(newOrder, grant, request), grant.order)
        }
    }

    private func write(_ grant: PermitRules.Grant, at: Timestamp) throws {
        guard try grant.order.replace(db, onlyFrom: PermitRules.permittable) else {
            throw StoreError.refused("order \(grant.order.id) changed while it was being permitted")
        }
        try grant.attempt.insert(db)
        try journal.write(grant.line, at: at)
    }
}
