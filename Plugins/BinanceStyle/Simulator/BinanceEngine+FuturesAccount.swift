import Foundation
import SimulatorKit
import TradingModel

/// Balances, positions and events of the futures.
extension BinanceEngine {
    func futuresBalance(_ account: String) -> JSONValue {
        let margin = margin(account)
        return .array([
            .object([
                "accountAlias": "SgsR", "asset": "USDT", "balance": .places(Quantity(margin.wallet)),
                "crossWalletBalance": .places(Quantity(margin.wallet)), "crossUnPnl": "0.00000000",
                "availableBalance": .places(Quantity(margin.available)), "maxWithdrawAmount": .places(Quantity(margin.available)),
                "marginAvailable": true, "updateTime": .milliseconds(exchange.now),
            ])
        ])
    }

    func futuresAccount(_ account: String) -> JSONValue {
        let margin = margin(account)
        return .object([
            "totalWalletBalance": .places(Quantity(margin.wallet)), "totalMarginBalance": .places(Quantity(margin.wallet)),
            "availableBalance": .places(Quantity(margin.available)), "totalUnrealizedProfit": "0.00000000",
            "assets": .array([
                .object([
                    "asset": "USDT", "walletBalance": .places(Quantity(margin.wallet)), "availableBalance": .places(Quantity(margin.available)),
                    "marginBalance": .places(Quantity(margin.wallet)), "updateTime": .milliseconds(exchange.now),
                ])
            ]), "positions": futuresPositions(account, nil),
        ])
    }

    /// Only symbols with a position or an open order.
    func futuresPositions(_ account: String, _ wanted: Symbol?) -> JSONValue {
        let (prices, open) = exchange.read { core in (core.prices, Set(core.openOrders(account: account).map(\.symbol))) }
        return .array(
            markets.keys.sorted().compactMap { symbol in
                guard wanted == nil || wanted == symbol else { return nil }
                let position = position(account, symbol)
                guard !position.quantity.isZero || open.contains(symbol) else { return nil }
                let mark = prices[symbol] ?? .zero
                return .object([
                    "symbol": .string(symbol.rawValue), "positionSide": "BOTH", "positionAmt": .places(position.quantity),
                    "entryPrice": .places(position.entry), "breakEvenPrice": .places(position.entry), "markPrice": .places(mark),
                    "unRealizedProfit": .places(position.unrealised(at: mark)), "liquidationPrice": "0", "isolatedMargin": "0",
                    "notional": .places(position.quantity * mark), "marginAsset": "USDT", "isolatedWallet": "0",
                    "leverage": "20", "marginType": "cross", "adl": 1,
                    "updateTime": .milliseconds(position.updatedAt ?? exchange.now),
                ])
            })
    }

    // MARK: Events

    func futuresEvents(_ events: [ExchangeEvent], account: String, sentAt: Timestamp) -> [JSONValue] {
        guard let last = events.last else { return [] }
        var told = events.map { $0.orderTradeUpdate(sentAt: sentAt, isReduceOnly: isReduceOnly($0.order.id)) }
        let traded = Set(events.compactMap { event in if case .traded = event.kind { event.order.symbol } else { nil } })
        guard !traded.isEmpty else { return told }
        let wallet = Quantity(margin(account).wallet)
        told.append(
            .object([
                "e": "ACCOUNT_UPDATE", "E": .milliseconds(sentAt), "T": .milliseconds(last.at),
                "a": .object([
                    "m": "ORDER", "B": .array([.object(["a": "USDT", "wb": .places(wallet), "cw": .places(wallet), "bc": "0"])]),
                    "P": .array(
                        traded.sorted().map { symbol in
                            let position = position(account, symbol)
                            return .object([
                                "s": .string(symbol.rawValue), "pa": .places(position.quantity), "ep": .places(position.entry),
                                "bep": .places(position.entry), "cr": .places(position.realised), "up": "0", "mt": "cross", "iw": "0", "ps": "BOTH",
                            ])
                        }),
                ]),
            ]))
        return told
    }
}

extension ExchangeEvent {
    /// `ORDER_TRADE_UPDATE`. Unlike on spot, `c` is the order's id on a cancel too, and there is no trade id of -1.
    fileprivate func orderTradeUpdate(sentAt: Timestamp, isReduceOnly: Bool) -> JSONValue {
        var trade: SimulatedTrade?
        if case .traded(let done) = kind { trade = done }
        let word =
            switch kind {
            case .accepted, .triggered, .entered: "NEW"
            case .amended: "AMENDMENT"
            case .traded: "TRADE"
            case .cancelled: "CANCELED"
            case .expired: "EXPIRED"
            }
        let body = JSONValue.object([
            "s": .string(order.symbol.rawValue), "c": .string(order.clientOrderID), "S": .string(order.binanceSide),
            "o": .string(order.futuresType), "f": .string(order.futuresTime), "q": .places(order.quantity),
            "p": .places(order.limitPrice ?? .zero), "ap": .places(order.averagePrice ?? .zero), "sp": "0", "x": .string(word),
            "X": .string(order.binanceStatus), "i": .integer(order.id), "l": .places(trade?.quantity ?? .zero),
            "z": .places(order.filledQuantity), "L": .places(trade?.price ?? .zero), "T": .milliseconds(at),
            "t": .integer(trade?.id ?? 0), "b": "0", "a": "0", "m": .boolean(trade?.isMaker ?? false), "R": .boolean(isReduceOnly),
            "wt": "CONTRACT_PRICE", "ot": .string(order.futuresType), "ps": "BOTH", "cp": false, "rp": "0", "pP": false, "si": 0, "ss": 0,
            "V": "EXPIRE_MAKER", "pm": "NONE", "gtd": 0, "er": "0",
        ])
        let fee = trade.map { body.adding(["N": .string($0.feeAsset.rawValue), "n": .places($0.fee)]) }
        return .object(["e": "ORDER_TRADE_UPDATE", "E": .milliseconds(sentAt), "T": .milliseconds(at), "o": fee ?? body])
    }
}
