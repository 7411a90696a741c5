import Foundation

struct CoinbaseTimeReply: Decodable, Sendable {
    /// Digits in a text.
    let epochMillis: String
}

struct CoinbaseKeyReply: Decodable, Sendable {
    let can_view: Bool?
    let can_trade: Bool?
    let portfolio_uuid: String?
}

/// An amount with its currency.
struct CoinbaseMoney: Decodable, Sendable {
    let value: String
}

struct CoinbaseAccountsReply: Decodable, Sendable {
    struct Account: Decodable, Sendable {
        let currency: String
        let available_balance: CoinbaseMoney
        let hold: CoinbaseMoney?
    }
    let accounts: [Account]
    let has_next: Bool?
    let cursor: String?
}

struct CoinbaseProductsReply: Decodable, Sendable {
    let products: [CoinbaseProductReply]
}

/// One product with its rules. Amounts are decimal text; what may be missing is optional.
struct CoinbaseProductReply: Decodable, Sendable {
    let product_id: String
    let base_currency_id: String
    let quote_currency_id: String
    let base_increment: String
    let quote_increment: String
    let price_increment: String?
    let base_min_size: String?
    let base_max_size: String?
    let quote_min_size: String?
    let status: String?
    let product_type: String?
    let is_disabled: Bool?
    let cancel_only: Bool?
    let limit_only: Bool?
    let post_only: Bool?
    let trading_disabled: Bool?
    let view_only: Bool?
    let alias: String?
    let alias_to: [String]?
}

/// The answer to a new order, an edit and a cancel's single result have this in common: success is a field, not a status.
struct CoinbaseCreateReply: Decodable, Sendable {
    struct Success: Decodable, Sendable {
        let order_id: String
        let client_order_id: String?
    }
    struct Failure: Decodable, Sendable {
        let error: String?
        let message: String?
        let error_details: String?
        let preview_failure_reason: String?
        let new_order_failure_reason: String?
    }
    let success: Bool
    let success_response: Success?
    let error_response: Failure?
}

struct CoinbaseEditReply: Decodable, Sendable {
    struct Failure: Decodable, Sendable {
        let edit_failure_reason: String?
        let preview_failure_reason: String?
        let edit_order_failure_reason: String?
        let error_details: String?
        let message: String?
    }
    let success: Bool
    /// Both places tell reasons.
    let failures: [Failure]

    private enum CodingKeys: CodingKey { case success, errors, error_response }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        success = try values.decode(Bool.self, forKey: .success)
        var failures: [Failure] = []
        if let failure = try? values.decodeIfPresent(Failure.self, forKey: .error_response) { failures.append(failure) }
        // An array in some answers, one object in others.
        if let list = try? values.decodeIfPresent([Failure].self, forKey: .errors) {
            failures += list
        } else if let one = try? values.decodeIfPresent(Failure.self, forKey: .errors) {
            failures.append(one)
        }
        self.failures = failures
    }
}

struct CoinbaseCancelReply: Decodable, Sendable {
    struct Result: Decodable, Sendable {
        let success: Bool
        let failure_reason: String?
        let order_id: String
    }
    let results: [Result]
}

/// One of the ways in which an order is configured: the venue has one key for each, here are their fields together.
struct CoinbaseOrderTerms: Codable, Sendable, Equatable {
    var base_size: String?
    var quote_size: String?
    var limit_price: String?
    var stop_price: String?
    var stop_direction: String?
    var stop_trigger_price: String?
    var end_time: String?
    var post_only: Bool?
}

/// An order as queries return it.
struct CoinbaseOrderReply: Decodable, Sendable {
    struct Edit: Decodable, Sendable {
        let price: String?
        let size: String?
        let replace_accept_timestamp: String?
    }
    let order_id: String
    let product_id: String
    let side: String
    let client_order_id: String
    let status: String
    /// By the key of the configuration.
    let order_configuration: [String: CoinbaseOrderTerms]?
    let order_type: String?
    let created_time: String?
    let last_fill_time: String?
    let filled_size: String?
    let average_filled_price: String?
    let reject_reason: String?
    let reject_message: String?
    let edit_history: [Edit]?
    let retail_portfolio_id: String?
    /// The entry, of an order that is attached to one.
    let originating_order_id: String?
    /// The id of what is attached to this order, told before there is such an order.
    let attached_order_id: String?
    let attached_order_configuration: CoinbaseAttachment
}

struct CoinbaseOrderEnvelope: Decodable, Sendable {
    let order: CoinbaseOrderReply
}

struct CoinbaseOrdersReply: Decodable, Sendable {
    let orders: [CoinbaseOrderReply]
    let has_next: Bool?
    let cursor: String?
}

struct CoinbaseFillReply: Decodable, Sendable {
    let entry_id: String?
    let trade_id: String?
    let order_id: String
    let trade_time: String
    let trade_type: String?
    let price: String
    let size: String
    let commission: String?
    let product_id: String
    let size_in_quote: Bool?
    let side: String
}

struct CoinbaseFillsReply: Decodable, Sendable {
    let fills: [CoinbaseFillReply]
    let cursor: String?
}

/// What any error body of this venue says, in whichever of its four shapes.
struct CoinbaseErrorReply: Sendable {
    /// The most telling code: the first that is no placeholder.
    let code: String?
    let message: String?

    init(_ body: [UInt8]) {
        let shapes = try? JSONDecoder().decode(Shapes.self, from: Data(body))
        if let failure = shapes?.error_response {
            self.init(failure)
        } else if let shapes, let error = shapes.error {
            self.init(error, [shapes.message, shapes.error_details].compactMap { $0 }.first { !$0.isEmpty })
        } else {
            self.init(shapes?.errors?.first?.id, shapes?.errors?.first?.message)
        }
    }

    private init(_ code: String?, _ message: String?) {
        self.code = code
        self.message = message
    }

    init(_ failure: CoinbaseCreateReply.Failure) {
        let codes = [failure.new_order_failure_reason, failure.preview_failure_reason, failure.error].compactMap { $0 }
        let words = [failure.message, failure.error_details].compactMap { $0 }.filter { !$0.isEmpty }
        self.init(
            codes.first { !$0.isEmpty && !$0.hasPrefix("UNKNOWN_") } ?? codes.first { !$0.isEmpty },
            words.isEmpty ? nil : words.joined(separator: ": "))
    }

    private struct Shapes: Decodable {
        struct Entry: Decodable {
            let id: String?
            let message: String?
        }
        let error_response: CoinbaseCreateReply.Failure?
        let error: String?
        let message: String?
        let error_details: String?
        let errors: [Entry]?
    }
}
