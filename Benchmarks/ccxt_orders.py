"""What one limit order costs in ccxt, without the network: create_order of the unmodified library, whose fetch is answered at once.

Reads keys and replies as JSON from stdin, writes the median per exchange in microseconds to stdout. Started by turnstile-bench.
"""
import json, sys, time
import ccxt

SAMPLES, WARM_UP = 3000, 300
given = json.load(sys.stdin)
keys = given["keys"]


def market(exchange, symbol, venue_id, base, quote):
    return exchange.safe_market_structure({
        "id": venue_id, "symbol": symbol, "base": base, "quote": quote, "baseId": base, "quoteId": quote, "type": "spot", "spot": True,
        "margin": False, "swap": False, "future": False, "option": False, "contract": False, "active": True,
        "precision": {"amount": 0.00001, "price": 0.01, "cost": 0.01},
        "limits": {"amount": {"min": 0.00001, "max": None}, "price": {"min": 0.01, "max": None}, "cost": {"min": 5, "max": None}},
        "info": {"orderTypes": ["LIMIT", "MARKET"], "permissions": ["SPOT"]},
    })


def median(exchange, markets, symbol, reply, parameters):
    exchange.set_markets(markets(exchange))
    # Where the library would open a connection; it parses the text itself, as it does in its own fetch.
    exchange.fetch = lambda url, method="GET", headers=None, body=None: exchange.parse_json(reply)
    exchange.enableRateLimit = False

    def once():
        start = time.perf_counter_ns()
        order = exchange.create_order(symbol, "limit", "buy", 0.02, 50000.25, dict(parameters))
        end = time.perf_counter_ns()
        assert order["id"], order
        return end - start

    for _ in range(WARM_UP):
        once()
    times = sorted(once() for _ in range(SAMPLES))
    return times[len(times) // 2] / 1000


def binance(secret):
    exchange = ccxt.binance({"apiKey": "key", "secret": secret})
    return median(
        exchange, lambda e: [market(e, "BTC/USDT", "BTCUSDT", "BTC", "USDT")], "BTC/USDT", given["binance"], {"clientOrderId": given["token"]})


def coinbase(secret):
    exchange = ccxt.coinbase({"apiKey": given["keyName"], "secret": secret})
    return median(
        exchange, lambda e: [market(e, "BTC/USD", "BTC-USD", "BTC", "USD")], "BTC/USD", given["coinbase"], {"clientOrderId": given["uuid"]})


figures = []
for name, work in [
    ("Binance, HMAC", lambda: binance(keys["hmac"])), ("Binance, Ed25519", lambda: binance(keys["ed25519PEM"])),
    ("Coinbase, ES256", lambda: coinbase(keys["es256PEM"])), ("Coinbase, Ed25519", lambda: coinbase(keys["ed25519Seed"])),
]:
    try:
        figures.append({"name": name, "microseconds": work(), "note": None})
    except Exception as error:  # A kind of key that the library cannot sign with is a finding, not an end.
        figures.append({"name": name, "microseconds": None, "note": f"{type(error).__name__}: {str(error)[:120]}"})
figures.append({"name": "Tradovate, no signature", "microseconds": None, "note": "has no Tradovate"})
json.dump(figures, sys.stdout)
