"""Binance's own Python client against the Binance-style simulator.

binance-connector is used as published; only its URLs point elsewhere. It lives in a folder of its own, because its package has the
same name as python-binance's: PYTHONPATH names that folder. Prints one line per check and the totals; exits with 1 if one failed.
"""

import argparse
import json
import queue
import sys
import time
import uuid

from binance.error import ClientError
from binance.spot import Spot
from binance.websocket.spot.websocket_api import SpotWebsocketAPIClient
from binance.websocket.spot.websocket_stream import SpotWebsocketStreamClient

TIMEOUT_SECONDS = 30


class Checks:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, name, condition, detail=""):
        name = "binance-connector: " + name
        if condition:
            self.passed += 1
            print(f"ok      {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {name}: {detail}", flush=True)

    def refused(self, name, code, call):
        try:
            self.check(name, False, call())
        except ClientError as error:
            self.check(name, error.error_code == code, error)


def new_id(prefix):
    return prefix + uuid.uuid4().hex[:20]


def limit(order_id, price="50000.00", side="BUY"):
    return dict(symbol="BTCUSDT", side=side, type="LIMIT", timeInForce="GTC", quantity="0.01000", price=price, newClientOrderId=order_id)


def orders(checks, client):
    info = client.exchange_info(symbol="BTCUSDT")
    checks.check("exchangeInfo lists BTCUSDT", info["symbols"][0]["baseAsset"] == "BTC", info)
    order = client.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01000", newClientOrderId=new_id("bcm"))
    checks.check("a market order fills", order["status"] == "FILLED" and order["fills"], order)
    order_id = new_id("bcl")
    order = client.new_order(**limit(order_id))
    checks.check("a limit order rests", order["status"] == "NEW", order)
    found = client.get_order("BTCUSDT", origClientOrderId=order_id)
    checks.check("the query finds it by client id", found["orderId"] == order["orderId"], found)
    checks.check("it is among the open orders", order_id in [o["clientOrderId"] for o in client.get_open_orders("BTCUSDT")])
    checks.refused("the same open id is refused", -2010, lambda: client.new_order(**limit(order_id)))
    cancelled = client.cancel_order("BTCUSDT", origClientOrderId=order_id)
    checks.check("it is cancelled", cancelled["status"] == "CANCELED", cancelled)
    checks.refused("a second cancel finds nothing open", -2011, lambda: client.cancel_order("BTCUSDT", origClientOrderId=order_id))
    checks.check("the trades are listed", any(t["qty"] == "0.01000000" for t in client.my_trades("BTCUSDT")))
    account = client.account()
    checks.check("the account has balances", any(b["asset"] == "USDT" for b in account["balances"]), account)
    limits = client.get_order_rate_limit()
    checks.check("the order counts are told", limits[0]["rateLimitType"] == "ORDERS" and "count" in limits[0], limits)


def replacing(checks, client):
    first, second = new_id("bcr"), new_id("bcr")
    client.new_order(**limit(first))
    terms = limit(second, price="51000.00")
    replaced = client.cancel_and_replace(cancelReplaceMode="STOP_ON_FAILURE", cancelOrigClientOrderId=first, **terms)
    checks.check(
        "cancel-replace ends one order and makes another",
        replaced["cancelResult"] == "SUCCESS" and replaced["newOrderResponse"]["clientOrderId"] == second, replaced)
    again = limit(new_id("bcr"), price="52000.00")
    checks.refused(
        "cancel-replace of what is gone does nothing", -2022,
        lambda: client.cancel_and_replace(cancelReplaceMode="STOP_ON_FAILURE", cancelOrigClientOrderId=first, **again))
    expensive = dict(limit(new_id("bcr")), quantity="100.00000")
    try:
        checks.check("a half failure is told", False, client.cancel_and_replace(
            cancelReplaceMode="STOP_ON_FAILURE", cancelOrigClientOrderId=second, **expensive))
    except ClientError as error:
        data = error.error_data or {}
        checks.check(
            "a half failure is told with both halves",
            error.status_code == 409 and error.error_code == -2021 and data.get("cancelResult") == "SUCCESS"
            and data.get("newOrderResult") == "FAILURE", (error, data))
    amended_id = new_id("bca")
    client.new_order(**limit(amended_id))
    amended = client.sign_request(
        "PUT", "/api/v3/order/amend/keepPriority",
        {"symbol": "BTCUSDT", "origClientOrderId": amended_id, "newClientOrderId": amended_id, "newQty": "0.00400"})
    checks.check("a quantity is lowered in place", amended["amendedOrder"]["qty"] == "0.00400000", amended)
    client.cancel_order("BTCUSDT", origClientOrderId=amended_id)


def lists(checks, client):
    entry, target, stop = new_id("bce"), new_id("bct"), new_id("bcs")
    made = client.new_otoco_order(
        "BTCUSDT", "LIMIT", "BUY", "61000.00", "0.01000", "SELL", "0.01000", "LIMIT_MAKER", workingTimeInForce="GTC",
        workingClientOrderId=entry, pendingAboveClientOrderId=target, pendingAbovePrice="66000.00", pendingBelowType="STOP_LOSS",
        pendingBelowClientOrderId=stop, pendingBelowStopPrice="55000.00", newOrderRespType="RESULT")
    reports = {o["clientOrderId"]: o["status"] for o in made["orderReports"]}
    checks.check(
        "an otoco answers with its three orders, the legs as they were taken",
        reports == {entry: "FILLED", target: "PENDING_NEW", stop: "PENDING_NEW"}, made)
    checks.check("its legs are in the market", client.get_order("BTCUSDT", origClientOrderId=stop)["status"] == "NEW")
    listed = [o["orderListId"] for o in client.get_oco_open_orders()]
    checks.check("the list is among the open lists", made["orderListId"] in listed, listed)
    gone = client.cancel_order("BTCUSDT", origClientOrderId=target)
    ended = {o["origClientOrderId"]: o["status"] for o in gone["orderReports"]}
    checks.check("cancelling a leg cancels the list", ended == {target: "CANCELED", stop: "CANCELED"}, gone)
    checks.check("the list has ended", client.get_oco_order(orderListId=made["orderListId"])["listOrderStatus"] == "ALL_DONE")


def websocket_api(checks, args):
    answers = queue.Queue()
    client = SpotWebsocketAPIClient(
        stream_url=args.ws, api_key=args.key, api_secret=args.secret, on_message=lambda _, text: answers.put(json.loads(text)))

    def answer(request_id):
        while True:
            message = answers.get(timeout=TIMEOUT_SECONDS)
            if message.get("id") == request_id:
                return message

    try:
        order_id = new_id("bcw")
        client.new_order(
            symbol="ETHUSDT", side="SELL", type="LIMIT", timeInForce="GTC", quantity="0.5000", price="3500.00", newClientOrderId=order_id,
            newOrderRespType="RESULT", id="place")
        placed = answer("place")
        checks.check("an order over the WebSocket API rests", placed["status"] == 200 and placed["result"]["status"] == "NEW", placed)
        client.cancel_order(symbol="ETHUSDT", origClientOrderId=order_id, id="cancel")
        cancelled = answer("cancel")
        checks.check("the WebSocket API cancels it", cancelled["result"]["status"] == "CANCELED", cancelled)
    finally:
        client.stop()


def user_stream(checks, args):
    """Its user stream goes by listen key: Binance spot has none since 2026-02-20, Binance US has."""
    spot = Spot(args.key, args.secret, base_url=args.rest)
    try:
        checks.check("spot has no listen keys any more", False, spot.new_listen_key())
    except Exception as error:
        checks.check("spot has no listen keys any more", "410" in str(error), error)
    client = Spot(args.key, args.secret, base_url=args.us_rest)
    events = queue.Queue()
    key = client.new_listen_key()["listenKey"]
    client.renew_listen_key(key)
    stream = SpotWebsocketStreamClient(stream_url=args.us_ws, on_message=lambda _, text: events.put(json.loads(text)))

    def event(order_id, status):
        end = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < end:
            message = events.get(timeout=TIMEOUT_SECONDS)
            if message.get("e") == "executionReport" and order_id in (message["c"], message["C"]) and message["X"] == status:
                return message
        return None

    try:
        stream.user_data(listen_key=key, id=1)
        subscribed = events.get(timeout=TIMEOUT_SECONDS)
        checks.check("the user stream is subscribed", subscribed == {"result": None, "id": 1}, subscribed)
        order_id = new_id("bcu")
        client.new_order(**limit(order_id))
        checks.check("a new order comes as an event", event(order_id, "NEW"))
        client.cancel_order("BTCUSDT", origClientOrderId=order_id)
        ended = event(order_id, "CANCELED")
        checks.check("its cancel comes as an event with the order's id in C", ended and ended["C"] == order_id, ended)
        client.close_listen_key(key)
    finally:
        stream.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rest", required=True, help="http://127.0.0.1:PORT")
    parser.add_argument("--ws", required=True, help="ws://127.0.0.1:PORT/ws-api/v3")
    parser.add_argument("--us-rest", required=True, help="the same of a simulated Binance US")
    parser.add_argument("--us-ws", required=True, help="its stream, without /ws")
    parser.add_argument("--key", default="third-party-key")
    parser.add_argument("--secret", default="third-party-secret")
    args = parser.parse_args()
    checks = Checks()
    client = Spot(args.key, args.secret, base_url=args.rest)
    parts = [
        ("orders", lambda: orders(checks, client)), ("replacing", lambda: replacing(checks, client)), ("lists", lambda: lists(checks, client)),
        ("websocket_api", lambda: websocket_api(checks, args)), ("user_stream", lambda: user_stream(checks, args)),
    ]
    for name, part in parts:
        try:
            part()
        except Exception as error:  # A part that gives up is a failed check, and the others still run.
            checks.check(name + " runs to its end", False, repr(error))
    print(f"{checks.passed} passed, {checks.failed} failed", flush=True)
    sys.exit(1 if checks.failed else 0)


main()
