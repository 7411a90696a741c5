import AdapterKit
import BrokerContract
import Foundation
import TradingModel

extension BinanceOutcomes {
    /// What a reply to a cancel-replace proves, step by step. The venue checks filters and limits before the first of them.
    static func succeed(_ reply: VenueReply, for request: BinanceSuccessorRequest) -> ReplaceOutcome {
        let error = errorBody(reply)
        var evidence = evidence(of: reply, error: error)
        if (200..<300).contains(reply.status) {
            guard let steps = try? JSONDecoder().decode(BinanceCancelReplaceReply.self, from: Data(reply.body)),
                let order = steps.newOrderResponse?.order, let report = try? order.report()
            else { return .unknown(.unreadableReply, evidence) }
            guard steps.cancelResult == "SUCCESS", steps.newOrderResult == "SUCCESS", isOld(steps, request),
                report.clientOrderID == request.successor, report.symbol == request.old.symbol, report.side == request.side,
                report.quantity == request.quantity
            else { return .unknown(.contradiction, evidence) }
            return .replaced(report, evidence)
        }
        guard error?.code == -2021 || error?.code == -2022 else {
            return rejection(reply, error: error, list: BinanceRefusals.spot.amend).map { .refused($0, evidence) } ?? .unknown(doubt(reply), evidence)
        }
        guard (400..<500).contains(reply.status),
            let steps = try? JSONDecoder().decode(BinanceCancelReplaceReply.Failure.self, from: Data(reply.body)).data
        else { return .unknown(doubt(reply), evidence) }
        switch (steps.cancelResult, steps.newOrderResult) {
        case ("FAILURE", "NOT_ATTEMPTED"):
            guard let inner = steps.cancelResponse?.error else { return .unknown(.unreadableReply, evidence) }
            evidence.message = "\(inner.code) \(inner.msg)"
            if inner.code == -2011, inner.msg.contains("Unknown order") { return .notOpen(evidence) }
            return BinanceRefusals.match(BinanceRefusals.spot.cancel, status: 400, code: inner.code, message: inner.msg).map { .refused($0, evidence) }
                ?? .unknown(.unlistedRefusal, evidence)
        case ("SUCCESS", "FAILURE"):
            guard let inner = steps.newOrderResponse?.error, isOld(steps, request) else { return .unknown(.unreadableReply, evidence) }
            evidence.message = "\(inner.code) \(inner.msg)"
            // Gone is the old order for certain; of the new one only a listed refusal says that it is not there.
            let reason = BinanceRefusals.match(BinanceRefusals.spot.place, status: 400, code: inner.code, message: inner.msg)
            return reason.map { .cancelledOnly(try? steps.cancelResponse?.order?.report(), $0, evidence) } ?? .unknown(.unlistedRefusal, evidence)
        default: return .unknown(.contradiction, evidence)
        }
    }

    private static func isOld(_ steps: BinanceCancelReplaceReply, _ request: BinanceSuccessorRequest) -> Bool {
        steps.cancelResponse?.order?.origClientOrderId == request.old.clientOrderID.rawValue
    }
}
