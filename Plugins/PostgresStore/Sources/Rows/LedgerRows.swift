import Foundation
import LockContract
import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension Fill {
    /// Beside `account` and `order_id`, which a fill does not carry itself.
    static let columns = [
        "execution_id", "venue_order_id", "client_order_id", "symbol", "side", "quantity", "price", "fee", "fee_asset", "executed_at",
    ]

    func write(to sink: inout ValueList) {
        sink.add(executionID)
        sink.add(venueOrderID)
        sink.add(clientOrderID)
        sink.add(symbol)
        sink.add(word: side)
        sink.add(quantity)
        sink.add(price)
        sink.add(fee)
        sink.add(feeAsset)
        sink.add(executedAt)
    }

    /// - Parameter column: Where its columns begin.
    init(row source: PostgresRow, from column: Int = 0) throws {
        var row = ColumnReader(source, from: column)
        self.init(
            executionID: try row.id(), venueOrderID: try row.id(), clientOrderID: row.optionalID(), symbol: try row.id(),
            side: try row.word(), quantity: try row.decimal(), price: try row.decimal(), fee: try row.optionalDecimal(),
            feeAsset: row.optionalID(), executedAt: try row.time())
    }
}

extension PositionRecord {
    static let columns = ["account", "symbol", "quantity", "average_price", "realized_profit", "updated_at"]

    func write(to sink: inout ValueList) {
        sink.add(account)
        sink.add(symbol)
        sink.add(quantity)
        sink.add(averagePrice)
        sink.add(realizedProfit)
        sink.add(updatedAt)
    }

    init(row source: PostgresRow) throws {
        var row = ColumnReader(source)
        self.init(
            account: try row.id(), symbol: try row.id(), quantity: try row.decimal(), averagePrice: try row.optionalDecimal(),
            realizedProfit: try row.decimal(), updatedAt: try row.time())
    }
}

/// A row of the table of tenures: the account's latest, open or closed.
struct StoredTenure: Sendable {
    static let columns = ["epoch", "counter", "owner", "holder", "opened_at", "closed_at"]
    let tenure: Tenure
    let isClosed: Bool

    init(row source: PostgresRow, account: AccountID) throws {
        var row = ColumnReader(source)
        let fence = FencingToken(epoch: try row.integer(), counter: try row.integer())
        let owner: OwnerToken = try row.id()
        let holder = try JSONDecoder().decode(HolderIdentity.self, from: Data(try row.text().utf8))
        tenure = Tenure(account: account, fence: fence, owner: owner, holder: holder, openedAt: try row.time())
        isClosed = try row.optionalTime() != nil
    }

    /// The columns of a tenure that is opened; `closed_at` becomes NULL beside them.
    static let openingColumns = [
        "account", "epoch", "counter", "owner", "holder", "lease_epoch", "lease_counter", "configuration_hash", "opened_at",
    ]

    static func write(_ request: TenureRequest, fence: FencingToken, to sink: inout ValueList) throws {
        sink.add(request.account)
        sink.add(fence.epoch)
        sink.add(fence.counter)
        sink.add(request.owner)
        sink.add(String(decoding: try JSONEncoder().encode(request.holder), as: UTF8.self))
        sink.add(request.leaseFence.epoch)
        sink.add(request.leaseFence.counter)
        sink.add(request.configurationHash)
        sink.add(request.at)
    }
}
