/// Replies as the venues document them, to the orders of the adapter benchmark. The same ones go to ccxt.
enum BenchReplies {
    static let token = "01M7YD7X0Y911ZVYD7Y59CYG57-000"
    static let uuid = "3b9a1c7e-52d4-4f0a-9c1e-7d2f5a6b8c90"
    static let keyName = "organizations/bench/apiKeys/bench"

    static let binance =
        #"{"symbol":"BTCUSDT","orderId":28,"orderListId":-1,"clientOrderId":"\#(token)","transactTime":1784700000000,"price":"50000.25000000","origQty":"0.02000000","executedQty":"0.00000000","origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"0.00000000","status":"NEW","timeInForce":"GTC","type":"LIMIT","side":"BUY","workingTime":1784700000000,"fills":[],"selfTradePreventionMode":"EXPIRE_MAKER"}"#

    static let coinbase =
        #"{"success":true,"success_response":{"order_id":"11111111-0000-4000-8000-000000000028","product_id":"BTC-USD","side":"BUY","client_order_id":"\#(uuid)","attached_order_id":""},"order_configuration":{"limit_limit_gtc":{"base_size":"0.02","limit_price":"50000.25","post_only":false}}}"#

    static let tradovate = #"{"orderId":2800000028}"#
}
