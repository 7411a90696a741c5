import BrokerContract
import ExchangeContract
import TradingModel

extension BinanceBroker {
    public func balances() async throws(BrokerError) -> [Balance] {
        dialect.product == .spot ? try await spotBalances() : try await futuresBalances()
    }

    private func spotBalances() async throws(BrokerError) -> [Balance] {
        let account = try await client.query(
            dialect.paths.money, ["omitZeroBalances": "true"], weight: dialect.paths.weights.money, as: BinanceAccountReply.self)
        return try Self.mapped {
            try account.balances.map {
                Balance(asset: Asset($0.asset), available: try Quantity($0.free), locked: try Quantity($0.locked))
            }.filter { !$0.available.isZero || !$0.locked.isZero }
        }
    }

    /// Of the margin assets; what positions and orders hold as margin counts as locked.
    private func futuresBalances() async throws(BrokerError) -> [Balance] {
        let rows = try await client.query(dialect.paths.money, [:], weight: dialect.paths.weights.money, as: [BinanceFuturesBalanceReply].self)
        return try Self.mapped {
            try rows.map { row in
                let (whole, available) = (try Quantity(row.balance), try Quantity(row.availableBalance))
                return Balance(asset: Asset(row.asset), available: available, locked: max(whole - available, .zero))
            }.filter { !$0.available.isZero || !$0.locked.isZero }
        }
    }

    public func positions() async throws(BrokerError) -> [Position] {
        guard let path = dialect.paths.positions else {
            throw BrokerError(.unsupported, effect: .notSent, "a spot account has balances, not positions")
        }
        let rows = try await client.query(path, [:], weight: 5, as: [BinancePositionReply].self)
        guard rows.allSatisfy({ $0.positionSide == "BOTH" }) else {
            throw BrokerError(.unsupported, effect: .refused, "the account holds long and short positions apart (hedge mode)")
        }
        return try Self.mapped {
            try rows.compactMap { row in
                let quantity = try Quantity(row.positionAmt)
                guard !quantity.isZero else { return nil }
                return Position(symbol: Symbol(row.symbol), quantity: quantity, averagePrice: try Price(binance: row.entryPrice))
            }
        }
    }

    /// In hedge mode every order must name a side of its own and reduce-only does not exist: nothing that we send would mean the same.
    func checkPositionMode() async throws(BrokerError) {
        guard dialect.product == .usdm else { return }
        let mode = try await client.query("/fapi/v1/positionSide/dual", [:], weight: 30, as: BinancePositionModeReply.self)
        guard !mode.dualSidePosition else {
            throw BrokerError(.unsupported, effect: .refused, "the account is in hedge mode; switch it to one-way mode")
        }
    }
}
