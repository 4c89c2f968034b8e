"""Contracts in the spellings that components made for other hosts have, and links that a component chooses by name."""

import concurrent.futures

import pytest
import servers
from components import STRING, command
from conftest import eventually
from test_sql import ask, postgres  # noqa: F401, the fixture too


def test_the_second_draft_of_keyvalue(serve, tmp_path):
    server = serve("spellings.wasm", "--link", f"wasi:keyvalue=sqlite:{tmp_path / 'app.db'}")
    assert server.get("/get").status == 404
    assert server.get("/set?value=one").status == 200
    assert server.get("/get").text == "one\n"
    # Its cursors are text.
    assert server.get("/list?count=2500&bucket=many").text == "2500 found, 2500 listed in 3 pages\n"
    assert server.get("/list?count=0&bucket=many").text == "0 found, 0 listed in 1 pages\n"


# A swap that fails comes back with what is there, and succeeds then.
SWAPPED = "current: none\nfailed\ncurrent: one\nswapped\ncurrent: two\n"


def compares_and_counts(server, bucket="box"):
    assert server.get(f"/cas?bucket={bucket}").text == SWAPPED
    # Its numbers have a sign.
    for query, sum in [("plus=5", "5"), ("minus=3", "2"), ("minus=9", "-7"), ("plus=3", "-4"), ("plus=4", "0"),
                       ("plus=0", "0"), ("minus=0", "0")]:
        assert server.get(f"/add?bucket={bucket}&{query}").text == f"{sum}\n", query
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        counted = list(pool.map(lambda _: server.get(f"/count?bucket={bucket}").text, range(40)))
    assert sorted(int(text) for text in counted) == list(range(1, 41)), "two swaps replaced the same value"


@pytest.mark.parametrize("provider", ["memory", "sqlite", "redis", "postgres", "nats"])
def test_compare_and_swap(serve, start, tmp_path, provider):
    url = {
        "memory": lambda: "memory:",
        "sqlite": lambda: f"sqlite:{tmp_path / 'app.db'}",
        "redis": lambda: start(servers.Redis, "redis").url,
        "postgres": lambda: start(servers.Postgres, "postgres").url,
        "nats": lambda: start(servers.Nats, "nats").url,
    }[provider]()
    compares_and_counts(serve("spellings.wasm", "--link", f"wasi:keyvalue={url}"))


def test_numbers_that_do_not_fit(serve):
    server = serve("spellings.wasm")
    top = str(2**63 - 1)
    assert server.get(f"/set?key=n&value={top}").status == 200
    response = server.get("/add?plus=1")
    assert response.status == 500 and "more than this draft can say" in response.text
    assert server.get("/set?key=n&value=-9223372036854775808").status == 200
    response = server.get("/add?minus=1")
    assert response.status == 500 and "does not fit in 64 bits" in response.text
    assert server.get("/set?key=n&value=many").status == 200
    for change in ("plus=1", "minus=1"):
        response = server.get(f"/add?{change}")
        assert response.status == 500 and "is not a number of 64 bits: 'many'" in response.text


def test_config_in_four_spellings_and_logging_in_two(serve):
    server = serve("spellings.wasm", "--config", "greeting=hello", "--config", "port=8080")
    assert server.get("/config?key=greeting").text == (
        "store rc.1: hello\n2 store draft: hello\n2 runtime draft: hello\n2 runtime 0.1.0: hello\n2\n")
    assert server.get("/config?key=none").text == "\n"
    assert server.get("/log").status == 200
    server.wait_for_log("by the draft")
    server.wait_for_log("without a version")


def manifest(guests, more=""):
    return f"""
name: shop
components:
  front:
    image: {guests / "spellings.wasm"}
    links:
      wasi:keyvalue:
        '': 'memory:first'
        cache: 'sqlite:cache.db'
{more}"""


@pytest.fixture
def two_stores(app, guests):
    app.write(manifest(guests))
    return app.up()


@pytest.fixture
def serve_reused(app, guests):
    app.write(manifest(guests, "    limits: {isolation: 'reused:100'}\n"))
    return app.up("--threads", "1")


def test_a_link_is_chosen_by_its_name(two_stores, app):
    server = two_stores
    for value, link in (("here", ""), ("there", "link=cache&"), ("old", "link=cache&bus=1&bucket=old&")):
        assert server.get(f"/set?{link}value={value}").status == 200
    assert server.get("/get").text == "here\n"
    assert server.get("/get?link=cache").text == "there\n"
    assert server.get("/get?link=cache&bus=1").text == "there\n"
    assert server.get("/get?link=default").text == "here\n"
    assert server.get("/get?link=cache&bucket=old").text == "old\n"
    assert server.get("/get?bucket=old").status == 404
    # The bucket that has the link's name leads there, too, without the bus.
    assert server.get("/get?bucket=cache").status == 404
    # A choice for one interface is none for the others.
    assert server.get("/add?link=cache&plus=2").text == "2\n"
    assert server.get("/add?link=cache&interface=atomics&plus=3").text == "5\n"
    assert server.get("/add?link=cache&interface=store&plus=1").text == "1\n"
    assert server.get("/list?link=cache&count=5&bucket=many").text == "5 found, 5 listed in 1 pages\n"
    assert (app.folder / "cache.db").exists()
    # Each call has an instance of its own: nothing of it was remembered.
    assert server.get("/get").text == "here\n"
    app.swap("front", "wasi:keyvalue=memory:other", "--name", "cache")
    assert server.get("/get?link=cache").status == 404
    assert server.get("/get").text == "here\n"


def test_a_choice_lasts_for_one_request(serve_reused):
    """Though the next one is answered by the same instance."""
    server = serve_reused
    assert server.get("/set?value=here").status == 200
    assert server.get("/set?link=cache&value=there").status == 200
    assert server.get("/get").text == "here\n"
    assert server.get("/get?link=cache").text == "there\n"
    assert server.get("/get?link=none").status == 404
    assert server.get("/get").text == "here\n"
    assert server.get("/get?link=cache&interface=atomics").text == "here\n"
    assert server.get("/get?link=cache").text == "there\n"
    assert server.get("/get?link=default").text == "here\n"
    assert server.get("/requests").text == "10\n"


def test_a_link_that_is_not_there(two_stores):
    server = two_stores
    response = server.get("/get?link=cash")
    assert response.status == 404
    assert response.text == "no link of wasi:keyvalue is named 'cash': there is default, cache\n"
    response = server.get("/get?link=cache&interface=watcher")
    assert response.status == 404
    assert response.text.startswith("the link of wasi:keyvalue/watcher cannot be chosen by its name: that can be done for "
                                    "wasi:keyvalue/store, ")
    # The first version has no words for it: it traps.
    assert server.get("/get?link=cash&bus=1").status == 500
    server.wait_for_log("no link of wasi:keyvalue is named 'cash': there is default, cache")


def test_the_watcher_of_the_second_draft(app, guests):
    app.write(manifest(guests, "    watch: [box]\n"))
    server = app.up()

    def told(key, text):
        return eventually(lambda: server.get(f"/get?bucket=seen&key={key}").text == text, 20)

    assert server.get("/set?value=one").status == 200
    assert told("set", "k\none\none\n\n")
    assert server.get("/delete").status == 200
    assert told("deleted", "k\n")


def test_the_links_of_blobs_by_name(app, guests):
    app.write(f"""
name: shop
components:
  front:
    image: {guests / "blobs.wasm"}
    links: {{wasi:blobstore: {{'': 'memory:', files: 'file:data'}}}}
""")
    server = app.up()
    for link, body in (("", b"here"), ("&link=files", b"there")):
        assert server.get(f"/create?c=c{link}").status == 200
        assert server.request("PUT", f"/put?c=c&o=o{link}", body=body).status == 200
    assert server.request("PUT", "/put?c=c&o=p&link=files", body=b"more").status == 200
    assert server.get("/get?c=c&o=o").text == "here"
    assert server.get("/get?c=c&o=o&link=files").text == "there"
    assert server.get("/get?c=c&o=o&link=default").text == "here"
    assert server.get("/list?c=c").text.split() == ["o"]
    assert sorted(server.get("/list?c=c&link=files").text.split()) == ["o", "p"]
    assert server.get("/copy?c=c&o=p&d=c&p=q&link=files").status == 200
    assert server.get("/get?c=c&o=q&link=files").text == "more"
    assert (app.folder / "data").is_dir()
    response = server.get("/get?c=c&o=o&link=cash")
    assert response.status == 409
    assert response.text == "no link of wasi:blobstore is named 'cash': there is default, files\n"


def test_the_links_of_databases_by_name(app, guests):
    app.write(f"""
name: shop
components:
  front:
    image: {guests / "sql.wasm"}
    links: {{wasi:sql: {{'': 'sqlite:one.db', other: 'sqlite:two.db'}}}}
""")
    server = app.up()
    for choice, value in (("link default", 1), ("link other", 2)):
        assert ask(server, choice, "exec CREATE TABLE t (n INTEGER)", f"exec INSERT INTO t VALUES ({value})") == [
            "chosen", "0", "1"]
    ours, others = "n=int32(1)", "n=int32(2)"
    asked = "query SELECT n FROM t"
    assert ask(server, asked) == [ours]
    assert ask(server, "link other", asked) == ["chosen", others]
    # A connection stays where it was opened.
    assert ask(server, "open x", "link other", asked, "open x", asked, "link default", asked) == [
        "opened", "chosen", ours, "opened", others, "chosen", others]
    assert ask(server, "link none", asked) == [
        "error: no link of wasi:sql is named 'none': there is default, other", ours]


def test_the_links_of_postgres_by_name(app, guests, postgres):  # noqa: F811
    postgres.sql("CREATE DATABASE other")
    other = postgres.url.replace("/postgres", "/other")
    app.write(f"""
name: shop
components:
  front:
    image: {guests / "postgres.wasm"}
    links: {{wasmcloud:postgres: {{'': '{postgres.url}', other: '{other}'}}}}
""")
    server = app.up()
    asked = "query SELECT current_database()::text"
    assert "postgres" in ask(server, asked)[0]
    chosen, found = ask(server, "link other", asked)
    assert chosen == "chosen" and "other" in found
    assert "postgres" in ask(server, asked)[0]
    # What was prepared is prepared again where the calls go.
    assert ask(server, "exec CREATE TABLE t (n int4)", "link other", "again") == ["0", "chosen", "0"]


def test_names_that_are_too_long(app, guests):
    app.write(f"""
name: shop
components:
  front:
    image: {guests / "sql.wasm"}
    links: {{wasi:sql: 'sqlite:one.db'}}
""")
    server = app.up()
    (line,) = ask(server, "open " + "x" * 257)
    assert "has 257 bytes: at most 256 are allowed" in line
    (line,) = ask(server, "link " + "x" * 100_000)
    assert line.startswith("error: no link of wasi:sql is named 'xxx") and len(line) < 300


def test_messaging_of_an_unknown_version_with_the_shape(app, guests, start):
    """It is given messages and sends them, by the shape of its interfaces."""
    nats = start(servers.Nats, "nats")
    app.write(f"""
name: shop
components:
  echo: {{image: {guests / "messages-03.wasm"}, links: {{wasmcloud:messaging: '{nats.url}'}}}}
topics:
  - {{subject: shop.echo, to: echo}}
""")
    app.up()
    client = servers.NatsClient(nats.port)
    assert client.request("shop.echo", b"hello") == b"hello"
    client.close()


@pytest.mark.parametrize(
    "interface, function, type, words",
    [
        # The shape of another version is not the one that is here: both are shown.
        ("wasmcloud:messaging/consumer@0.3.0", "publish", ([("subject", STRING)], None),
         ["func(subject: string)", "wasmcloud:messaging/consumer@0.2.0 here has", "func(msg: record"]),
        ("wasi:logging/logging@0.2.0", "log", ([("message", STRING)], None),
         ["func(message: string)", "wasi:logging/logging@0.1.0-draft here has", "context: string"]),
        # A near miss names what is nearest.
        ("wasi:keyvalue/store@0.2.0-draft3", "f", ([], None), ["the nearest is wasi:keyvalue/store@0.2.0-draft"]),
        ("wasi:keyvalue/atomic@0.2.0-draft2", "f", ([], None), ["the nearest is wasi:keyvalue/atomics@0.2.0-draft"]),
        ("wasi:keyvalu/store@0.2.0-draft2", "f", ([], None), ["the nearest is wasi:keyvalue/store@0.2.0-draft"]),
        ("wasmcloud:bus/latice@2.0.1", "f", ([], None), ["the nearest is wasmcloud:bus/lattice@2.0.1"]),
    ],
)
def test_what_does_not_fit_is_named(call, tmp_path, interface, function, type, words):
    path = tmp_path / "near.wasm"
    path.write_bytes(command(imports={interface: {function: type}}))
    finished = call("run", path)
    assert finished.status == 1
    assert interface in finished.err, finished
    for word in words:
        assert word in finished.err, finished
