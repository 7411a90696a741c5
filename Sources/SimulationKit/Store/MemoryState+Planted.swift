import StoreContract
import TradingModel

/// Defects of the core, put between the reducer and the store.
extension MemoryState {
    func plantedChange(of snapshot: OrderSnapshot, at: Timestamp, _ reduce: (OrderSnapshot) -> OrderChange?) -> OrderChange? {
        var seen = snapshot
        if plants.contains(.fillsTwice) { seen.fills = [] }
        if plants.contains(.terminalReopened), snapshot.order.state == .cancelled || snapshot.order.state == .filled { seen.order.state = .accepted }
        guard var change = reduce(seen) else { return nil }
        if plants.contains(.fillsTwice), !change.newFills.isEmpty {
            change.order.filledQuantity = max(change.order.filledQuantity, snapshot.order.filledQuantity)
        }
        if plants.contains(.terminalReopened), seen.order.state != snapshot.order.state, change.newFills.isEmpty { change.order.state = .accepted }
        if plants.contains(.journalLineMissing) { change.journal.removeAll { $0.type == "order.filled" } }
        if plants.contains(.positionAssumed), change.newFills.isEmpty, snapshot.order.state == .permitted, change.order.state == .accepted,
            let quantity = change.order.quantity
        {
            change.newFills = [
                Fill(
                    executionID: ExecutionID("assumed-\(change.order.id)"), venueOrderID: change.order.venueOrderID ?? "?", clientOrderID: nil,
                    symbol: change.order.symbol, side: change.order.side, quantity: quantity, price: 100, fee: nil, feeAsset: nil, executedAt: at)
            ]
            var position = snapshot.position
            position = position ?? PositionRecord(account: change.order.account, symbol: change.order.symbol, quantity: 0, averagePrice: nil, realizedProfit: 0, updatedAt: at)
            position?.quantity += change.order.side == .buy ? quantity : -quantity
            change.position = position
        }
        if change.order.state == .resolving, snapshot.order.state == .unknown {
            let instead: OrderState? = plants.contains(.unknownRejected) ? .rejected : plants.contains(.unknownAbsent) ? .absent : plants.contains(.forgottenInDoubt) ? .abandoned : nil
            if let instead {
                change.order.state = instead
                change.order.reason = "planted"
                for index in change.journal.indices where change.journal[index].type == "order.resolving" { change.journal[index].type = "order.\(instead.rawValue)" }
            }
        }
        return change
    }
}
