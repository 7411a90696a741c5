import AdapterKit
import BrokerContract
import TradingModel

extension TradovateBroker {
    /// How long the outcome of a modification is waited for. The venue's answer only says that the request was taken.
    private static let settlingTime = Duration.seconds(5)

    public func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        let session: TradovateSession
        let current: OrderJoin
        let listing: Listing
        do {
            session = try connected().session
            guard let id = try await orderID(of: order), let found = try await hydrated([id]).first, let known = found.order else {
                return .notSent(.notConnected, Evidence(mayHaveLeft: false, message: "the venue does not show the order yet"))
            }
            guard VenueOrderStatus.isOpen(tradovate: known.status) else {
                return .notOpen(Evidence(mayHaveLeft: false, message: "the order is \(known.status)"))
            }
            current = found
            listing = try await session.directory.listing(known.contractID)
        } catch {
            return .notSent(Self.reason(error), Evidence(mayHaveLeft: false, message: error.message))
        }
        let body: WireJSON
        do throws(TradovateOrderRequest.Refusal) { body = try TradovateModification(current, terms, listing: listing).body } catch {
            return .notSent(error.reason, Evidence(mayHaveLeft: false, message: error.message))
        }
        switch await session.api.command("/order/modifyorder", body, priority: .normal, within: window) {
        case .replied(let raw):
            let reply = TradovateReply(raw)
            guard let command = reply.created("commandId") else { return TradovateOutcomes.replace(reply) }
            return await settle(command, of: current.order?.id ?? 0, listing: listing, session: session, evidence: reply.evidence)
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    /// Waits for what became of the command: on the stream, and by a query when the stream has not told it in time.
    private func settle(
        _ command: Int64, of orderID: Int64, listing: Listing, session: TradovateSession, evidence: Evidence
    ) async -> ReplaceOutcome {
        let deadline = clock.monotonic + Self.settlingTime
        var asked = clock.monotonic
        while clock.monotonic < deadline {
            if let outcome = Self.outcome(session.join(of: orderID), command, listing, evidence) { return outcome }
            do {
                if clock.monotonic - asked >= .seconds(1) {
                    asked = clock.monotonic
                    if let outcome = Self.outcome(try await hydrated([orderID], withExecutions: true).first, command, listing, evidence) { return outcome }
                }
                try await clock.sleep(for: .milliseconds(20))
            } catch is CancellationError {
                return .unknown(.cancelled, evidence)
            } catch {
                // Asked again until the deadline.
                continue
            }
        }
        return .unknown(.timedOut, evidence)
    }

    private static func outcome(_ join: OrderJoin?, _ command: Int64, _ listing: Listing, _ evidence: Evidence) -> ReplaceOutcome? {
        guard let join else { return nil }
        switch join.outcome(of: command) {
        case .done:
            guard let report = try? join.report(listing), join.version?.id == command else { return nil }
            return .replaced(report, evidence)
        case .refused(let reason, let text):
            var told = evidence
            told.venueCode = reason
            told.message = text
            return reason == "TooLate" ? .notOpen(told) : .refused(RejectReason(tradovate: reason, text: text), told)
        case .open:
            return nil
        }
    }
}
