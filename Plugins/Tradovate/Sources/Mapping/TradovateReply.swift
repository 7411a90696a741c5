import AdapterKit
import BrokerContract
import TradingModel

/// A reply to a command, read once. Refusals come as HTTP 200.
struct TradovateReply {
    let status: Int
    /// Nil if the body is no JSON.
    let json: WireJSON?
    let evidence: Evidence
    /// The reason why the request was certainly not carried out; nil if the reply does not prove that.
    let refusal: RejectReason?
    /// The venue's own code of the failure, listed or not.
    let code: String?
    /// When the same request may be sent again with a ticket.
    let penalty: Penalty?

    struct Penalty: Sendable, Hashable {
        let ticket: String
        let wait: Duration
        /// Cannot be solved by a program.
        let needsCaptcha: Bool
    }

    init(_ reply: VenueReply) {
        status = reply.status
        let isSuccess = reply.status == 200
        json = try? WireJSON(parsing: reply.body)
        penalty = isSuccess ? json.flatMap(Penalty.init) : nil
        let reason = json?["failureReason"]?.string
        let told: String?
        if penalty != nil {
            told = TradovateRefusals.penalty
        } else if isSuccess, json?["violations"]?.array?.isEmpty == false {
            told = TradovateRefusals.violations
        } else {
            told = reason == "Success" ? nil : reason
        }
        code = told
        let words = json.flatMap(Self.words) ?? (isSuccess ? nil : String(reply.text.prefix(200)))
        // A success names an order or a command; a refusal beside one is no refusal.
        let isNamed = json?["orderId"] != nil || json?["commandId"] != nil
        if isSuccess {
            refusal = isNamed ? nil : told.flatMap { TradovateRefusals.match(status: 200, code: $0, message: words ?? "") }
        } else {
            // A malformed request is told in text. A 400 with a reason is a form of answer that we do not know.
            let isUnheardOf = reply.status == 400 && told != nil
            refusal = isUnheardOf ? nil : TradovateRefusals.match(status: reply.status, code: told, message: words ?? "")
        }
        evidence = Evidence(mayHaveLeft: true, httpStatus: reply.status, venueCode: told, message: words, elapsed: reply.elapsed)
    }

    /// Why the effect is not known, of a reply that is neither a success nor a listed refusal.
    var doubt: UnknownCause {
        switch status {
        case 500...: .serverError
        case 400..<500: .unlistedRefusal
        case 200 where code != nil || json?["errorText"] != nil: .unlistedRefusal
        default: .unreadableReply
        }
    }

    /// The id of what the request made, if the venue says nothing else beside it.
    func created(_ name: String) -> Int64? { status == 200 && code == nil ? json?[name]?.integer : nil }

    /// Whether the venue names what it made and a failure at once.
    var contradictsItself: Bool { status == 200 && code != nil && (json?["orderId"] != nil || json?["commandId"] != nil) }

    private static func words(_ json: WireJSON) -> String? {
        if let text = json["failureText"]?.string ?? json["errorText"]?.string ?? json["p-message"]?.string { return text }
        let first = json["violations"]?.array?.first
        return first.map { "\($0["constraint"]?.string ?? ""): \($0["description"]?.string ?? "")" }
    }
}

extension TradovateReply.Penalty {
    /// The longest wait that is believed.
    private static let longest: Int64 = 3600

    init?(_ json: WireJSON) {
        guard let ticket = json["p-ticket"]?.string else { return nil }
        self.ticket = ticket
        wait = .seconds(min(Self.longest, max(0, json["p-time"]?.integer ?? 60)))
        needsCaptcha = json["p-captcha"]?.boolean ?? false
    }
}
