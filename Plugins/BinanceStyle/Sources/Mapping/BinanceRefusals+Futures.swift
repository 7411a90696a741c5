import BrokerContract
import TradingModel

extension BinanceRefusals {
    /// USD-M and its clones, where numbers of the spot venue mean other things: -2021 is a trigger price, -2022 reduce-only.
    ///
    /// Left out on purpose: every 5xx, -1000, -1001, -1006, -1007, -1008 and -4116, which says that an order with this id lives.
    /// Source: USD-M documentation, "Error Codes", and the same table of a clone (asterdex api-docs, commit 265e024).
    static let usdm = BinanceRefusals(place: gateway + futures + malformed, cancel: cancels, amend: gateway + futures + malformed)

    private static let futures: [DefinitiveRefusal] = futureCodes.flatMap { entry in
        entry.codes.map { DefinitiveRefusal(httpStatus: 400, code: String($0), reason: entry.reason) }
    }

    private static let futureCodes: [(codes: [Int], reason: RejectReason)] = [
        ([-2018, -2019, -4050, -4051], .insufficientFunds), ([-2020, -4131], .noLiquidity),
        ([-2022, -2024, -4118], .other("reduce-only: there is no such position to make smaller")),
        ([-2023, -4087, -4088, -4192, -4400, -4401, -4402], .permissionDenied), ([-2025, -4045], .tooManyOpenOrders),
        ([-2026, -4120], .unsupported), ([-2027, -2028], .positionLimit), ([-2021], .wouldTriggerImmediately),
        ([-4001, -4002, -4013, -4016, -4024, -4183, -4184], .priceOutOfRange), ([-4003, -4005, -4023], .invalidQuantity),
        ([-4004, -4164], .belowMinimum), ([-4014], .invalidPrice), ([-4015, -4060, -4061, -4062], .invalidParameter),
        ([-4140, -4141], .marketClosed), ([-5021], .noLiquidity), ([-5022], .postOnlyWouldTake), ([-5028], .requestExpired),
        ([-5043, -5047], .invalidParameter),
    ]
}
