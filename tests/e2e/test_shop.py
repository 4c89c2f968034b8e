"""examples/shop: an order goes through three components, and their store is swapped while orders come in."""

import pathlib
import re
import threading
import time
from collections import Counter

import pytest

from conftest import eventually

SHOP = pathlib.Path(__file__).resolve().parents[2] / "examples/shop"
PRICES = {"apple": 40, "pear": 55, "quince": 120}  # cents, as the manifest has them


@pytest.fixture
def shop(app, guests):
    text = (SHOP / "unbolt.yaml").read_text()
    assert "../../build/guests/" in text
    app.write(text.replace("../../build/guests/", f"{guests}/"))
    return app


def totals(host):
    """{item: (count, cents)}, as the front shows it."""
    response = host.get("/")
    assert response.status == 200, response
    lines = re.findall(r"^(\w+) +(\d+) +(\d+)\.(\d\d) EUR$", response.text, re.MULTILINE)
    return {item: (int(count), int(euros) * 100 + int(cents)) for item, count, euros, cents in lines}


class Customers:
    """Threads that order one thing after the other; `sold` is what was accepted."""

    def __init__(self, host, number=6):
        self.host, self.sold, self.refused = host, Counter(), []
        self.lock, self.closing = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self._buy, args=(i,), daemon=True) for i in range(number)]
        for thread in self.threads:
            thread.start()

    def _buy(self, turn):
        items = list(PRICES)
        with self.host.connect(60) as connection:
            while not self.closing.is_set():
                item, count, turn = items[turn % 3], 1 + turn % 5, turn + 1
                connection.send_request("POST", "/orders", {}, f"{item} {count}".encode())
                response = connection.read_response()
                with self.lock:
                    if response.status == 202:
                        self.sold[item] += count
                    else:
                        self.refused.append(response)

    def orders(self):
        with self.lock:
            return sum(self.sold.values())

    def leave(self):
        """{item: (count, cents)} of all that was accepted; every order was."""
        self.closing.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
        assert not self.refused, f"{len(self.refused)} refused: {self.refused[0]}; the host wrote:\n{self.host.log}"
        return {item: (count, count * PRICES[item]) for item, count in self.sold.items()}


def test_an_order_goes_through_all_three(shop):
    host = shop.up()
    assert host.get("/").text == "nothing was sold yet\n"
    response = host.request("POST", "/orders", b"apple 3")
    assert (response.status, response.text) == (202, "3 apple: 1.20 EUR\n")
    response = host.request("POST", "/orders", b"quince 12")
    assert (response.status, response.text) == (202, "12 quince: 12.96 EUR\n")
    assert eventually(lambda: totals(host) == {"apple": (3, 120), "quince": (12, 1296)}), totals(host)
    for order, status, words in [
        (b"kiwi 1", 422, "kiwi: that is not sold here"),
        (b"apple", 400, "ITEM COUNT"),
        (b"apple 0", 400, "1 to 1000"),
        (b"\xff 1", 400, "no text"),
        (b"x" * 5000, 413, "1024"),
    ]:
        response = host.request("POST", "/orders", order)
        assert (response.status, words in response.text) == (status, True), response
    assert host.get("/orders").status == 404
    assert [c["name"] for c in shop.status()["components"]] == ["front", "pricing", "totals"]


def test_the_store_is_swapped_while_orders_come_in(shop):
    host = shop.up()
    customers = Customers(host)
    for url in ["sqlite:totals.db?synchronous=normal", "memory:second", "sqlite:last.db?synchronous=normal"]:
        before = customers.orders()
        assert eventually(lambda: customers.orders() > before + 100, 20)
        change = shop.swap("totals", f"wasi:keyvalue={url}", "--copy")
        assert change["drained"] and change["before"]["failed"] == 0
        assert change["copied"]["keys"] >= 6
    time.sleep(0.2)
    sold = customers.leave()
    assert eventually(lambda: totals(host) == sold, 20), (totals(host), sold)
    assert all(c["failed"] == 0 for c in shop.status()["components"])
    # What was swapped stays so, and a store on the disk holds what it held.
    host.kill()
    host = shop.up()
    assert totals(host) == sold
    assert shop.component("totals")["links"][0]["url"].endswith("last.db?synchronous=normal")


def test_prices_are_changed_and_changed_back(shop):
    host = shop.up()
    manifest = (shop.folder / "unbolt.yaml").read_text()
    shop.write(manifest.replace("apple: 40", "apple: 45"))
    (change,) = [line["changed"] for line in shop.ask("apply") if "changed" in line]
    assert change["component"] == "pricing"
    assert host.request("POST", "/orders", b"apple 1").text == "1 apple: 0.45 EUR\n"
    shop.ask("rollback", "pricing")
    assert host.request("POST", "/orders", b"apple 1").text == "1 apple: 0.40 EUR\n"
