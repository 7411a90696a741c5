/// Whole replies and messages in the venue's shape, after the samples of its documentation and captures that other clients publish; ids are made up.
enum CoinbaseFixtures {
    static let clientID = "6f0c4a51-1d0a-4c5e-9a53-0d6a5b0a8c11"
    static let orderID = "11111111-1111-4111-8111-111111111111"

    static let created = """
        {"success":true,"success_response":{"order_id":"\(orderID)","product_id":"BTC-USD","side":"BUY","client_order_id":"\(clientID)",\
        "attached_order_id":""},"order_configuration":{"limit_limit_gtc":{"base_size":"0.001","limit_price":"60000.00","post_only":false}}}
        """

    static func refused(_ code: String, preview: String = "UNKNOWN_PREVIEW_FAILURE_REASON", error: String? = nil, message: String = "no") -> String {
        """
        {"success":false,"error_response":{"error":"\(error ?? code)","message":"\(message)","error_details":"",\
        "preview_failure_reason":"\(preview)","new_order_failure_reason":"\(code)"},"order_configuration":{"limit_limit_gtc":\
        {"base_size":"0.001","limit_price":"60000.00","post_only":false}}}
        """
    }

    static let limit = #"{"limit_limit_gtc":{"base_size":"0.00100000","limit_price":"60000","post_only":false}}"#

    static func order(
        status: String = "OPEN", clientID: String = clientID, product: String = "BTC-USD", side: String = "BUY", filled: String = "0.0005",
        average: String = "60000", type: String = "LIMIT", configuration: String = limit, reject: String = "REJECT_REASON_UNSPECIFIED",
        edits: String = "[]", orderID: String = orderID
    ) -> String {
        """
        {"order_id":"\(orderID)","product_id":"\(product)","user_id":"2222","order_configuration":\(configuration),"side":"\(side)",\
        "client_order_id":"\(clientID)","status":"\(status)","time_in_force":"GOOD_UNTIL_CANCELLED",\
        "created_time":"2026-11-20T15:00:00.123456Z","completion_percentage":"50","filled_size":"\(filled)",\
        "average_filled_price":"\(average)","fee":"","number_of_fills":"1","filled_value":"30","pending_cancel":false,\
        "size_in_quote":false,"total_fees":"0.12","size_inclusive_of_fees":false,"total_value_after_fees":"30.12",\
        "trigger_status":"INVALID_ORDER_TYPE","order_type":"\(type)","reject_reason":"\(reject)","settled":false,"product_type":"SPOT",\
        "reject_message":"","cancel_message":"","order_placement_source":"RETAIL_ADVANCED","outstanding_hold_amount":"30.2",\
        "is_liquidation":false,"last_fill_time":"2026-11-20T15:00:01.000Z","edit_history":\(edits),"leverage":"",\
        "margin_type":"UNKNOWN_MARGIN_TYPE","retail_portfolio_id":"b87a2d3f-8a1e-49b3-a4ea-402d8c389aca","originating_order_id":"",\
        "attached_order_id":"","a_field_of_tomorrow":{"x":1}}
        """
    }

    static func fill(type: String = "FILL", size: String = "0.0005", inQuote: Bool = false) -> String {
        """
        {"entry_id":"e-1","trade_id":"t-1","order_id":"\(orderID)","trade_time":"2026-11-20T15:00:01.000Z","trade_type":"\(type)",\
        "price":"60000.00","size":"\(size)","commission":"0.12","product_id":"BTC-USD","sequence_timestamp":"2026-11-20T15:00:01.012345Z",\
        "liquidity_indicator":"MAKER","size_in_quote":\(inQuote),"user_id":"3333","side":"BUY","retail_portfolio_id":""}
        """
    }

    /// A capture of the live venue, April 2026.
    static func product(_ flags: String = "") -> String {
        """
        {"product_id":"BTC-USD","price":"68923.67","base_increment":"0.00000001","quote_increment":"0.01","price_increment":"0.01",\
        "base_min_size":"0.00000001","base_max_size":"3400","quote_min_size":"1","quote_max_size":"150000000","base_currency_id":"BTC",\
        "quote_currency_id":"USD","status":"online",\(flags)"new":false,"auction_mode":false,"product_type":"SPOT","alias":"",\
        "alias_to":["BTC-USDC"],"product_venue":"CBE","display_name":"BTC-USD","fcm_trading_session_details":null}
        """
    }

    static func update(status: String = "OPEN", cumulative: String = "0.0005", leaves: String = "0.0005", sequence: Int = 4) -> String {
        """
        {"channel":"user","client_id":"","timestamp":"2026-11-20T15:00:01.100Z","sequence_num":\(sequence),"events":[{"type":"update",\
        "orders":[{"avg_price":"60000","cancel_reason":"","client_order_id":"\(clientID)","completion_percentage":"50.00",\
        "contract_expiry_type":"UNKNOWN_CONTRACT_EXPIRY_TYPE","cumulative_quantity":"\(cumulative)","filled_value":"30",\
        "leaves_quantity":"\(leaves)","limit_price":"60000","number_of_fills":"1","order_id":"\(orderID)","order_side":"BUY",\
        "order_type":"Limit","outstanding_hold_amount":"30.1","post_only":"false","product_id":"BTC-USD","product_type":"SPOT",\
        "reject_reason":"","status":"\(status)","stop_price":"","time_in_force":"GOOD_UNTIL_CANCELLED","total_fees":"0.12",\
        "creation_time":"2026-11-20T15:00:00.123456Z","end_time":"0001-01-01T00:00:00Z","start_time":"0001-01-01T00:00:00Z"}]}]}
        """
    }

    /// As it was recorded.
    static let subscriptions = """
        {"channel":"subscriptions","client_id":"","timestamp":"2026-11-20T15:00:00.754118917Z","sequence_num":0,"events":[{"subscriptions":\
        {"user":["3e625b74-1c4e-5967-ad38-4d26f30d4439"]}}]}
        """

    static let heartbeat = """
        {"channel":"heartbeats","client_id":"","timestamp":"2024-10-04T07:04:40.820Z","sequence_num":1,"events":[{"current_time":\
        "2024-10-04 07:04:40.820713045 +0000 UTC m=+66987.628148662","heartbeat_counter":66987}]}
        """
}
