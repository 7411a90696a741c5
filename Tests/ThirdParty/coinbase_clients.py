"""Third-party clients against the Coinbase simulator.

coinbase-advanced-py and ccxt are used as published; only their URLs and the trusted certificate authority point elsewhere. REST goes over
TLS; the official SDK's user channel over `wss`, where that client verifies no certificate, and over plain `ws`. Prints one line per check and the totals; exits with 1 if a check
failed.
"""

import argparse
import json
import os
import queue
import sys
import time
import uuid

import ccxt
from coinbase.rest import RESTClient
from coinbase.websocket import WSUserClient

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


def until(condition):
    """Whether it becomes true in time."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


class Updates:
    """The user channel's order updates, and the sequence numbers of all messages."""

    def __init__(self):
        self.orders = queue.Queue()
        self.sequence = []
        self.heartbeats = []
        self.channels = set()

    def on_message(self, text):
        message = json.loads(text)
        self.sequence.append(message.get("sequence_num"))
        self.channels.add(message.get("channel"))
        if message.get("channel") == "heartbeats":
            self.heartbeats += [event["heartbeat_counter"] for event in message["events"]]
        if message.get("channel") != "user":
            return
        for event in message["events"]:
            for order in event.get("orders", []):
                self.orders.put(order)

    def next(self, client_id, status):
        end = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < end:
            try:
                order = self.orders.get(timeout=0.2)
            except queue.Empty:
                continue
            if order["client_order_id"] == client_id and order["status"] == status:
                return order
        return None


def official_sdk(checks, args, secret):
    client = RESTClient(api_key=args.key, api_secret=secret, base_url=args.rest.removeprefix("https://"), timeout=TIMEOUT_SECONDS)
    product = client.get_product("BTC-USD")
    checks.check("sdk: the product is there", product["base_increment"] == "0.00000001", product.to_dict())
    checks.check("sdk: the key may trade", client.get_api_key_permissions()["can_trade"] is True)
    for name, url in (("wss", args.ws), ("ws", args.plain_ws)):
        user_channel(checks, client, name, url, args.key, secret)
    official_sdk_bracket(checks, client)


def user_channel(checks, client, name, url, key, secret):
    """One connection of the SDK's user channel, while its REST client trades."""
    updates = Updates()
    socket = WSUserClient(api_key=key, api_secret=secret, on_message=updates.on_message, base_url=url, retry=False)
    socket.open()
    try:
        socket.heartbeats()
        socket.user(product_ids=["BTC-USD"])
        checks.check(f"sdk {name}: the subscription is answered", until(lambda: {"subscriptions", "user"} <= updates.channels), updates.channels)
        official_sdk_orders(checks, client, updates, f"sdk {name}")
        checks.check(f"sdk {name}: heartbeats come, and count", until(lambda: updates.heartbeats[:3] == [0, 1, 2]), updates.heartbeats)
        checks.check(f"sdk {name}: the messages are numbered without a hole", updates.sequence == list(range(len(updates.sequence))), updates.sequence)
    finally:
        socket.close()


def official_sdk_bracket(checks, client):
    bracket = {"trigger_bracket_gtc": {"limit_price": "65000", "stop_trigger_price": "58000"}}
    placed = client.create_order(
        client_order_id=str(uuid.uuid4()), product_id="BTC-USD", side="BUY", order_configuration={"market_market_ioc": {"base_size": "0.01"}},
        attached_order_configuration=bracket)
    attached_id = placed["success_response"]["attached_order_id"]
    checks.check("sdk: an entry names what is attached to it", attached_id != "", placed.to_dict())
    rows = []
    until(lambda: rows.extend(client.list_orders(order_ids=[attached_id])["orders"]) or rows)
    row = rows[0].to_dict() if rows else {}
    checks.check(
        "sdk: the attached order is one bracket of the entry", row.get("order_type") == "BRACKET"
        and row.get("originating_order_id") == placed["success_response"]["order_id"]
        and row["order_configuration"]["trigger_bracket_gtc"]["base_size"] == "0.01", row)
    checks.check("sdk: it can be cancelled", client.cancel_orders(order_ids=[attached_id])["results"][0]["success"])
    checks.check("sdk: and ends cancelled", until(lambda: client.get_order(attached_id)["order"]["status"] == "CANCELLED"))


def official_sdk_orders(checks, client, updates, name):
    market_id = str(uuid.uuid4())
    placed = client.market_order_buy(client_order_id=market_id, product_id="BTC-USD", base_size="0.01")
    checks.check(f"{name}: a market order is taken", placed["success"], placed.to_dict())
    order = client.get_order(placed["success_response"]["order_id"])["order"]
    checks.check(f"{name}: it is filled", order["status"] == "FILLED" and order["filled_size"] == "0.01", order.to_dict())
    event = updates.next(market_id, "FILLED")
    checks.check(f"{name}: the user channel tells so", event is not None and event["cumulative_quantity"] == "0.01", event)
    fills = []
    until(lambda: fills.extend(client.get_fills(order_ids=[order["order_id"]])["fills"]) or fills)
    checks.check(f"{name}: its fill is listed", fills and fills[0]["size"] == "0.01", [f.to_dict() for f in fills])

    limit_id = str(uuid.uuid4())
    placed = client.limit_order_gtc_buy(client_order_id=limit_id, product_id="BTC-USD", base_size="0.01", limit_price="50000.00", post_only=True)
    order_id = placed["success_response"]["order_id"]
    again = client.limit_order_gtc_sell(client_order_id=limit_id, product_id="ETH-USD", base_size="1", limit_price="9000.00")
    checks.check(
        f"{name}: a used id brings back the old order with the new request's words",
        again["success"] and again["success_response"]["order_id"] == order_id and again["success_response"]["product_id"] == "ETH-USD",
        again.to_dict())
    listed = client.list_orders(order_status=["OPEN"])["orders"]
    checks.check(f"{name}: one order is open", [o["order_id"] for o in listed] == [order_id], listed)
    edited = client.edit_order(order_id=order_id, size="0.02", price="50500.00")
    order = client.get_order(order_id)["order"]
    checks.check(f"{name}: it is edited in place", edited["success"] and order["edit_history"][0]["price"] == "50500", order.to_dict())
    cancelled = client.cancel_orders(order_ids=[order_id])["results"][0]
    checks.check(f"{name}: its cancel is taken", cancelled["success"], cancelled.to_dict())
    checks.check(f"{name}: the user channel tells the cancel", updates.next(limit_id, "CANCELLED") is not None)
    refused = client.limit_order_gtc_buy(client_order_id=str(uuid.uuid4()), product_id="BTC-USD", base_size="100", limit_price="59000.00")
    checks.check(
        f"{name}: an order beyond the balance is refused",
        not refused["success"] and refused["error_response"]["new_order_failure_reason"] == "INSUFFICIENT_FUND", refused.to_dict())
    accounts = client.get_accounts(limit=2)
    checks.check(f"{name}: accounts come in pages", len(accounts["accounts"]) == 2 and accounts["has_next"], accounts.to_dict())


def ccxt_rest(checks, args, secret):
    exchange = ccxt.coinbase({"apiKey": args.key, "secret": secret, "enableRateLimit": False, "requests_trust_env": True, "timeout": TIMEOUT_SECONDS * 1000})
    # Every address, so that nothing can leave this machine. Currencies are of another product of the venue.
    exchange.urls["api"] = {name: args.rest for name in exchange.urls["api"]}
    exchange.has["fetchCurrencies"] = False
    markets = exchange.load_markets()
    checks.check("ccxt: the markets load", "BTC/USD" in markets and markets["BTC/USD"]["precision"]["price"] == 0.01, list(markets))
    order = exchange.create_order("BTC/USD", "limit", "buy", 0.01, 50000)
    found = exchange.fetch_order(order["id"], "BTC/USD")
    checks.check("ccxt: a limit order rests", found["status"] == "open" and found["amount"] == 0.01, found)
    open_orders = exchange.fetch_open_orders("BTC/USD")
    checks.check("ccxt: it is among the open orders", order["id"] in [o["id"] for o in open_orders], open_orders)
    edited = exchange.edit_order(order["id"], "BTC/USD", "limit", "buy", 0.01, 50100)
    checks.check("ccxt: it is edited", edited["info"]["success"], edited)
    exchange.cancel_order(order["id"], "BTC/USD")
    checks.check("ccxt: it is cancelled", until(lambda: exchange.fetch_order(order["id"], "BTC/USD")["status"] == "canceled"))
    order = exchange.create_order("BTC/USD", "market", "sell", 0.01)
    found = exchange.fetch_order(order["id"], "BTC/USD")
    checks.check("ccxt: a market order fills", found["status"] == "closed" and found["filled"] == 0.01, found)
    checks.check(
        "ccxt: the trades are listed", until(lambda: order["id"] in [t["order"] for t in exchange.fetch_my_trades("BTC/USD")]))
    balance = exchange.fetch_balance({"v3": True})
    checks.check("ccxt: the account has balances", balance["USD"]["total"] > 0, balance)
    try:
        exchange.create_order("BTC/USD", "limit", "buy", 100, 59000)
        checks.check("ccxt: an order beyond the balance is refused", False, "accepted")
    except ccxt.InsufficientFunds as error:
        checks.check("ccxt: an order beyond the balance is refused", True, error)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rest", required=True, help="https://localhost:PORT")
    parser.add_argument("--ws", required=True, help="wss://localhost:PORT")
    parser.add_argument("--plain-ws", required=True, help="ws://localhost:PORT of the same venue")
    parser.add_argument("--ca", required=True, help="PEM file of the certificate authority")
    parser.add_argument("--key", required=True, help="name of the key")
    parser.add_argument("--secret-file", required=True, help="PEM file of the private key")
    args = parser.parse_args()
    os.environ["REQUESTS_CA_BUNDLE"] = args.ca
    with open(args.secret_file, encoding="utf-8") as file:
        secret = file.read()
    checks = Checks()
    for client in (official_sdk, ccxt_rest):
        try:
            client(checks, args, secret)
        except Exception as error:  # A client that gives up is a failed check, and the other one still runs.
            checks.check(client.__name__ + ": runs to its end", False, repr(error))
    print(f"{checks.passed} passed, {checks.failed} failed", flush=True)
    sys.exit(1 if checks.failed else 0)


main()
