"""Third-party clients against the Binance-style simulator.

python-binance and ccxt are used as published; only their URLs point elsewhere. They place, query and cancel orders and
receive user-data events. Prints one line per check and the totals; exits with 1 if a check failed.
"""

import argparse
import asyncio
import sys
import uuid

import ccxt
import ccxt.pro
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException

TIMEOUT_SECONDS = 15


class Checks:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, name, condition, detail=""):
        if condition:
            self.passed += 1
            print(f"ok      {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {name}: {detail}", flush=True)


def new_id(prefix):
    return prefix + uuid.uuid4().hex[:20]


async def next_report(socket, client_id, status):
    """The next executionReport of an order in a status; on a cancel the order's id is in C."""
    while True:
        event = await asyncio.wait_for(socket.recv(), TIMEOUT_SECONDS)
        if event.get("e") != "executionReport" or event.get("X") != status:
            continue
        if client_id in (event["c"], event["C"]):
            return event


async def python_binance(checks, args):
    AsyncClient.API_URL = args.rest + "/api"
    AsyncClient.WS_API_URL = args.ws
    client = await AsyncClient.create(args.key, args.secret)
    manager = BinanceSocketManager(client)
    try:
        info = await client.get_symbol_info("BTCUSDT")
        checks.check("python-binance: exchangeInfo lists BTCUSDT", info and info["baseAsset"] == "BTC", info)
        async with manager.user_socket() as socket:
            await python_binance_orders(checks, client, socket)
            await python_binance_websocket_orders(checks, client, socket)
    finally:
        await client.close_connection()


async def python_binance_orders(checks, client, socket):
    market_id = new_id("pbm")
    order = await client.order_market_buy(symbol="BTCUSDT", quantity="0.01000", newClientOrderId=market_id)
    checks.check("python-binance: a market order fills", order["status"] == "FILLED" and order["fills"], order)
    event = await next_report(socket, market_id, "FILLED")
    checks.check("python-binance: its fill comes as an event", event["z"] == "0.01000000" and event["t"] > 0, event)

    limit_id = new_id("pbl")
    order = await client.order_limit_buy(symbol="BTCUSDT", quantity="0.01000", price="50000.00", newClientOrderId=limit_id)
    checks.check("python-binance: a limit order rests", order["status"] == "NEW", order)
    found = await client.get_order(symbol="BTCUSDT", origClientOrderId=limit_id)
    checks.check("python-binance: the query finds it by client id", found["orderId"] == order["orderId"], found)
    open_orders = await client.get_open_orders(symbol="BTCUSDT")
    checks.check("python-binance: it is among the open orders", limit_id in [o["clientOrderId"] for o in open_orders], open_orders)
    try:
        await client.order_limit_buy(symbol="BTCUSDT", quantity="0.01000", price="50000.00", newClientOrderId=limit_id)
        checks.check("python-binance: the same open id is refused", False, "accepted")
    except BinanceAPIException as error:
        checks.check("python-binance: the same open id is refused", error.code == -2010 and "Duplicate" in error.message, error)
    cancelled = await client.cancel_order(symbol="BTCUSDT", origClientOrderId=limit_id)
    checks.check("python-binance: it is cancelled", cancelled["status"] == "CANCELED", cancelled)
    event = await next_report(socket, limit_id, "CANCELED")
    checks.check("python-binance: the cancel comes as an event with the order's id in C", event["C"] == limit_id, event)

    trades = await client.get_my_trades(symbol="BTCUSDT")
    checks.check("python-binance: the trades are listed", any(t["qty"] == "0.01000000" for t in trades), trades)
    account = await client.get_account()
    checks.check("python-binance: the account has balances", any(b["asset"] == "USDT" for b in account["balances"]), account)
    try:
        await client.order_limit_buy(symbol="BTCUSDT", quantity="0.01000", price="50000.001", newClientOrderId=new_id("pbf"))
        checks.check("python-binance: an off-tick price is refused", False, "accepted")
    except BinanceAPIException as error:
        checks.check("python-binance: an off-tick price is refused", error.code == -1013, error)


async def python_binance_websocket_orders(checks, client, socket):
    order_id = new_id("pbw")
    order = await client.ws_create_order(
        symbol="ETHUSDT", side="SELL", type="LIMIT", timeInForce="GTC", quantity="0.5000", price="3500.00", newClientOrderId=order_id)
    checks.check("python-binance: an order over the WebSocket API rests", order["clientOrderId"] == order_id, order)
    await next_report(socket, order_id, "NEW")
    found = await client.ws_get_order(symbol="ETHUSDT", origClientOrderId=order_id)
    checks.check("python-binance: the WebSocket API finds it", found["status"] == "NEW", found)
    cancelled = await client.ws_cancel_order(symbol="ETHUSDT", origClientOrderId=order_id)
    checks.check("python-binance: the WebSocket API cancels it", cancelled["status"] == "CANCELED", cancelled)
    await next_report(socket, order_id, "CANCELED")


async def ccxt_pro(checks, args):
    exchange = ccxt.pro.binance({
        "apiKey": args.key, "secret": args.secret, "enableRateLimit": False,
        "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False, "defaultType": "spot"},
    })
    # Every REST address, so that nothing can leave this machine.
    for name, url in exchange.urls["api"].items():
        if isinstance(url, str):
            exchange.urls["api"][name] = args.rest + "/api/v3"
    # The venue has one host for REST and another one for the WebSocket API; ccxt would put both on one connection otherwise.
    exchange.urls["api"]["ws"]["ws-api"]["spot"] = args.ws.replace("127.0.0.1", "localhost")
    try:
        markets = await exchange.load_markets()
        checks.check("ccxt: the markets load", "BTC/USDT" in markets, list(markets))
        watching = asyncio.ensure_future(watch_until_closed(exchange))
        await asyncio.sleep(0.5)
        await ccxt_orders(checks, exchange)
        try:
            seen = await asyncio.wait_for(watching, TIMEOUT_SECONDS)
        except asyncio.TimeoutError:
            seen = set()
        checks.check("ccxt: watch_orders receives the events", seen == {"open", "closed", "canceled"}, seen)
    finally:
        await exchange.close()


async def watch_until_closed(exchange):
    seen = set()
    while seen != {"open", "closed", "canceled"}:
        for order in await exchange.watch_orders("BTC/USDT"):
            seen.add(order["status"])
    return seen


async def ccxt_orders(checks, exchange):
    limit_id = new_id("cxl")
    order = await exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 50000, {"clientOrderId": limit_id})
    checks.check("ccxt: a limit order rests", order["status"] == "open" and order["clientOrderId"] == limit_id, order)
    found = await exchange.fetch_order(order["id"], "BTC/USDT")
    checks.check("ccxt: the query finds it", found["clientOrderId"] == limit_id, found)
    open_orders = await exchange.fetch_open_orders("BTC/USDT")
    checks.check("ccxt: it is among the open orders", order["id"] in [o["id"] for o in open_orders], open_orders)
    cancelled = await exchange.cancel_order(order["id"], "BTC/USDT")
    checks.check("ccxt: it is cancelled", cancelled["status"] == "canceled", cancelled)

    order = await exchange.create_order("BTC/USDT", "market", "sell", 0.01)
    checks.check("ccxt: a market order fills", order["status"] == "closed" and order["filled"] == 0.01, order)
    trades = await exchange.fetch_my_trades("BTC/USDT")
    checks.check("ccxt: the trades are listed", order["id"] in [t["order"] for t in trades], trades)
    balance = await exchange.fetch_balance()
    checks.check("ccxt: the account has balances", balance["USDT"]["total"] > 0, balance)
    try:
        await exchange.create_order("BTC/USDT", "limit", "buy", 100, 59000)
        checks.check("ccxt: an order beyond the balance is refused", False, "accepted")
    except ccxt.InsufficientFunds as error:
        checks.check("ccxt: an order beyond the balance is refused", "insufficient balance" in str(error), error)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rest", required=True, help="http://127.0.0.1:PORT")
    parser.add_argument("--ws", required=True, help="ws://127.0.0.1:PORT/ws-api/v3")
    parser.add_argument("--key", default="third-party-key")
    parser.add_argument("--secret", default="third-party-secret")
    args = parser.parse_args()
    checks = Checks()
    for client in (python_binance, ccxt_pro):
        try:
            await asyncio.wait_for(client(checks, args), 60)
        except Exception as error:  # A client that gives up is a failed check, and the other one still runs.
            checks.check(client.__name__ + ": runs to its end", False, repr(error))
    print(f"{checks.passed} passed, {checks.failed} failed", flush=True)
    sys.exit(1 if checks.failed else 0)


asyncio.run(main())
