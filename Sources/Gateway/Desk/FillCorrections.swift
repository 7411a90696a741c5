import BrokerContract
import Logging
import OrderFlow
import StoreContract
import TradingModel

/// What became of a person's word that the venue took a fill back.
public enum CorrectionOutcome: Sendable {
    case noSuchFill
    /// It is on disk.
    case done(PositionRecord)
    /// It was taken back before; nothing was done.
    case doneBefore(String)
    /// This gateway cannot work the account now; nothing was done.
    case notNow(String)
}

extension TradingGateway {
    /// Takes back a fill of which a person says that the venue took it back. No adapter tells it by itself. A repeat does nothing.
    public func takeBack(_ execution: ExecutionID, of id: OrderID, by person: Deciding.Operator) async throws(StoreError) -> CorrectionOutcome {
        guard let order = try await store.order(id)?.order else { return .noSuchFill }
        guard let worker = worker(of: order.account), let grant = await worker.keeper.grant() else {
            return .notNow(TenureKeeper.notOurs(order.account))
        }
        let base = (try? await worker.broker.instrument(order.symbol))?.base
        let at = clock.wallTime
        do {
            let position = try await store.takeBack(execution, of: id, under: grant.tenure, at: at) { history in
                PositionLedger.takeBack(history, by: person.actor, reason: person.reason, base: base, at: at)
            }
            logger.notice("fill taken back", metadata: ["order_id": .string(id.rawValue), "execution_id": .string(execution.rawValue), "actor": .string(person.actor)])
            worker.protection.note(order)
            return .done(position)
        } catch {
            switch error {
            case .notFound: return .noSuchFill
            case .refused(let why): return .doneBefore(why)
            case .fenced:
                await worker.keeper.lose(grant.tenure, "\(error)")
                return .notNow("the account went to another gateway meanwhile")
            case .unavailable, .limiterUnavailable, .mixedVersions: throw error
            }
        }
    }
}
