/// Whole replies and events in the venue's shape, after the examples of its documentation (rest-api, user-data-stream); values are made up.
enum BinanceFixtures {
    static let clientID = "gw-01HF8Z-0007"

    static func order(
        status: String = "PARTIALLY_FILLED", clientID: String = clientID, symbol: String = "BTCUSDT", side: String = "BUY",
        quantity: String = "0.01000000", executed: String = "0.00400000", quote: String = "239.96000000", extra: String = ""
    ) -> String {
        """
        {"symbol":"\(symbol)","orderId":70001,"orderListId":-1,"clientOrderId":"\(clientID)","transactTime":1763700000050,\
        "price":"60000.00000000","origQty":"\(quantity)","executedQty":"\(executed)","origQuoteOrderQty":"0.00000000",\
        "cummulativeQuoteQty":"\(quote)","status":"\(status)","timeInForce":"GTC","type":"LIMIT","side":"\(side)",\
        "workingTime":1763700000050,"selfTradePreventionMode":"EXPIRE_MAKER","aFieldOfTomorrow":{"x":1}\(extra)}
        """
    }

    static let fills = """
        ,"fills":[{"price":"59990.00000000","qty":"0.00400000","commission":"0.00000400","commissionAsset":"BNB","tradeId":555001,"new":1}]
        """

    static let acknowledgement = """
        {"symbol":"BTCUSDT","orderId":70001,"orderListId":-1,"clientOrderId":"gw-01HF8Z-0007","transactTime":1763700000050}
        """

    static let cancelled = """
        {"symbol":"BTCUSDT","origClientOrderId":"gw-01HF8Z-0007","orderId":70001,"orderListId":-1,"clientOrderId":"gwc-0007",\
        "transactTime":1763700005000,"price":"60000.00000000","origQty":"0.01000000","executedQty":"0.00400000",\
        "origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"239.96000000","status":"CANCELED","timeInForce":"GTC","type":"LIMIT",\
        "side":"BUY","selfTradePreventionMode":"EXPIRE_MAKER"}
        """

    static func execution(
        kind: String = "TRADE", status: String = "PARTIALLY_FILLED", c: String = clientID, original: String = "", last: String = "0.00400000",
        trade: Int = 555001, reason: String = "NONE", extra: String = ""
    ) -> String {
        """
        {"subscriptionId":0,"event":{"e":"executionReport","E":1763700000052,"s":"BTCUSDT","c":"\(c)","S":"BUY","o":"LIMIT","f":"GTC",\
        "q":"0.01000000","p":"60000.00000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"\(original)","x":"\(kind)","X":"\(status)",\
        "r":"\(reason)","i":70001,"l":"\(last)","z":"0.00400000","L":"59990.00000000","n":"0.00000400","N":"BNB","T":1763700000050,\
        "t":\(trade),"I":900100,"w":true,"m":false,"M":true,"O":1763700000050,"Z":"239.96000000","Y":"239.96000000","Q":"0.00000000",\
        "W":1763700000050,"V":"EXPIRE_MAKER"\(extra)}}
        """
    }

    static let exchangeInfo = """
        {"timezone":"UTC","serverTime":1763700000123,"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,\
        "limit":6000},{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":100},{"rateLimitType":"ORDERS","interval":"EON",\
        "intervalNum":1,"limit":1}],"exchangeFilters":[],"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC",\
        "baseAssetPrecision":8,"quoteAsset":"USDT","orderTypes":["LIMIT","LIMIT_MAKER","MARKET","STOP_LOSS","STOP_LOSS_LIMIT","TAKE_PROFIT",\
        "TAKE_PROFIT_LIMIT"],"filters":[{"filterType":"PRICE_FILTER","minPrice":"0.01000000","maxPrice":"1000000.00000000","tickSize":"0.01000000"},\
        {"filterType":"LOT_SIZE","minQty":"0.00001000","maxQty":"9000.00000000","stepSize":"0.00001000"},{"filterType":"MARKET_LOT_SIZE",\
        "minQty":"0.00000000","maxQty":"120.00000000","stepSize":"0.00000000"},{"filterType":"NOTIONAL","minNotional":"5.00000000",\
        "applyMinToMarket":true,"maxNotional":"9000000.00000000","applyMaxToMarket":false,"avgPriceMins":5},{"filterType":"MAX_NUM_ORDERS",\
        "maxNumOrders":200},{"filterType":"A_FILTER_OF_TOMORROW","z":true}]}]}
        """
}
