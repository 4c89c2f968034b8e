"""The examples of every language, served and asked for real: what they answer, bad input, many requests, reuse."""

import concurrent.futures
import hashlib
import itertools
import json
import os
import pty
import re
import subprocess
import threading
import time
import zlib

import pytest

from conftest import PATIENCE, SANITIZED, eventually
from upstream import Upstream

MIB = 1 << 20
# A state of its own for each request, and one instance for many.
ISOLATIONS = ["fresh", "reused:100"]
# The whole interpreter is compiled the first time.
BIG = ["go-orders.wasm", "js-feed.wasm", "py-report.wasm"]


@pytest.fixture(params=ISOLATIONS)
def isolation(request):
    return request.param


def in_parallel(count, function, threads=8):
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, range(count)))


# --- Go: a JSON service with a key-value store


class Orders:
    def __init__(self, server):
        self.server = server

    def ask(self, method, path, value=None, body=None):
        """The status, and the JSON of the answer, if there is any."""
        if value is not None:
            body = json.dumps(value).encode()
        response = self.server.request(method, path, body=body, timeout=30)
        if response.headers.get("content-type") == "application/json":
            return response.status, json.loads(response.text)
        return response.status, response.text

    def create(self, customer="ann", sku="tea", quantity=2, price=450):
        items = [{"sku": sku, "quantity": quantity, "price": price}]
        status, order = self.ask("POST", "/orders", {"customer": customer, "items": items})
        assert status == 201, order
        return order


@pytest.fixture
def orders(serve, isolation):
    return Orders(serve("go-orders.wasm", "--isolation", isolation))


def test_go_an_order_from_beginning_to_end(orders):
    order = orders.create()
    assert order == {"id": 1, "customer": "ann", "items": [{"sku": "tea", "quantity": 2, "price": 450}], "total": 900}
    second = orders.create("bob")
    assert orders.ask("GET", "/orders") == (200, [order, second])
    assert orders.ask("GET", "/orders?customer=bob") == (200, [second])
    assert orders.ask("GET", "/orders/1") == (200, order)
    assert orders.ask("DELETE", "/orders/1") == (204, "")
    assert orders.ask("GET", "/orders/1")[0] == 404
    assert orders.ask("GET", "/orders") == (200, [second])
    assert orders.create()["id"] == 3, "a number is used once"


def test_go_the_answer_names_the_new_order_and_the_log_too(serve):
    server = serve("go-orders.wasm")
    body = json.dumps({"customer": "ann", "items": [{"sku": "tea", "quantity": 1, "price": 5}]}).encode()
    assert server.request("POST", "/orders", body=body).headers["location"] == "/orders/1"
    server.wait_for_log(r"order 1: ann, 1 items, total 5")


@pytest.mark.parametrize(
    "status, body, says",
    [
        (400, b"", "EOF"),
        (400, b"{", "unexpected EOF"),
        (400, b"[]", "cannot unmarshal"),
        (400, b'{"customer":"a"} {}', "more than one"),
        (400, b'{"customer":"a","paid":true}', "unknown field"),
        (400, b'{"customer":"a","items":[{"sku":"x","quantity":1e99}]}', "quantity"),
        (422, b"{}", "customer is missing; items"),
        (422, b'{"customer":" ","items":[{"sku":"x","quantity":1,"price":1}]}', "customer is missing"),
        (422, b'{"customer":"a","items":[{"sku":"","quantity":0,"price":-1}]}', "items[0].price"),
        (422, b'{"id":7,"customer":"a","items":[{"sku":"x","quantity":1,"price":1}]}', "id and total"),
        (413, b'{"customer":"' + b"a" * 70_000 + b'"}', "at most 65536 bytes"),
    ],
    ids=itertools.count(1),
)
def test_go_bad_orders_are_refused_with_the_reason(orders, status, body, says):
    answered, value = orders.ask("POST", "/orders", body=body)
    assert (answered, says in value["error"]) == (status, True), value
    assert orders.ask("GET", "/orders") == (200, [])


@pytest.mark.parametrize(
    "status, method, path",
    [
        (400, "GET", "/orders/first"),
        (404, "GET", "/orders/18446744073709551615"),
        (404, "DELETE", "/orders/9"),
        (404, "GET", "/"),
        (405, "PUT", "/orders/1"),
    ],
)
def test_go_bad_requests(orders, status, method, path):
    assert orders.ask(method, path)[0] == status


def test_go_many_at_once_get_numbers_of_their_own(orders):
    numbers = in_parallel(60, lambda i: orders.create(f"c{i}")["id"])
    assert sorted(numbers) == list(range(1, 61))
    assert len(orders.ask("GET", "/orders")[1]) == 60


def test_go_orders_outlive_the_program(serve, tmp_path):
    link = ["--link", f"wasi:keyvalue=sqlite:{tmp_path / 'orders.db'}"]
    first = serve("go-orders.wasm", *link)
    order = Orders(first).create()
    first.stop()
    assert Orders(serve("go-orders.wasm", *link)).ask("GET", "/orders/1") == (200, order)


def test_go_an_instance_that_is_reused_gives_memory_back(serve):
    server = Orders(serve("go-orders.wasm", "--isolation", "reused:100000", "--threads", "1", "--max-memory", "32"))
    large = b'{"customer":"' + b"a" * 60_000 + b'"}'
    # 60 MB in all: what an instance kept of each request would not fit.
    for _ in range(1000):
        assert server.ask("POST", "/orders", body=large)[0] == 422


# --- Zig: a large body, checked while it arrives


def checksums(body):
    blocks = range(0, len(body), MIB)
    lines = [f"{start} crc32 {zlib.crc32(body[start : start + MIB]):08x}\n" for start in blocks]
    digest = hashlib.sha256(body).hexdigest()
    newlines = body.count(b"\n")
    return "".join(lines) + f"{len(body)} bytes, {newlines} lines, sha256 {digest}\n"


@pytest.mark.parametrize("size", [0, 1, 65_537, MIB, 3 * MIB + 17])
def test_zig_checksums_are_right(serve, isolation, size):
    body = os.urandom(size)
    server = serve("zig-checksum.wasm", "--isolation", isolation)
    for _ in range(2):
        assert server.request("PUT", "/", body=body, timeout=30).text == checksums(body)


def test_zig_a_body_needs_no_memory(serve):
    body = os.urandom(4 * MIB) * 8
    server = serve("zig-checksum.wasm", "--max-memory", "1", "--timeout", "120")
    before = server.resident_kib()
    assert server.request("POST", "/", body=body, timeout=60).text == checksums(body)
    assert server.resident_kib() - before < (64 if SANITIZED else 16) * 1024


def test_zig_lines_come_while_the_body_is_sent(serve):
    server = serve("zig-checksum.wasm")
    block = os.urandom(MIB)
    with server.connect() as connection:
        connection.send_request("POST", "/", {"Transfer-Encoding": "chunked"})
        connection.send_chunk(block)
        assert connection.read_head()[0] == 200
        assert connection.read_chunk() == f"0 crc32 {zlib.crc32(block):08x}\n".encode()
        connection.send_chunk(b"rest\n")
        connection.send(b"0\r\n\r\n")
        rest = b""
        while chunk := connection.read_chunk():
            rest += chunk
    assert f"{MIB + 5} bytes" in rest.decode()


def test_zig_a_body_that_breaks_off_has_no_digest(serve):
    server = serve("zig-checksum.wasm")
    with server.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n")
        received = b""
        try:
            while more := connection.socket.recv(65536):
                received += more
        except ConnectionResetError:
            pass
    assert b"sha256" not in received
    assert not received.endswith(b"0\r\n\r\n") or received.startswith(b"HTTP/1.1 400")
    assert server.request("POST", "/", body=b"x").status == 200


def test_zig_a_request_without_a_body_is_refused(serve, isolation):
    server = serve("zig-checksum.wasm", "--isolation", isolation)
    for _ in range(3):
        assert server.get("/").status == 405


def test_zig_many_at_once(serve, isolation):
    server = serve("zig-checksum.wasm", "--isolation", isolation)
    bodies = [os.urandom(1000 * i) for i in range(60)]
    answers = in_parallel(60, lambda i: server.request("POST", "/", body=bodies[i], timeout=30).text)
    assert answers == [checksums(body) for body in bodies]


# --- JavaScript: two requests to another service, combined

POSTS = [{"date": f"2026-01-{day:02}", "title": f"day {day}", "draft": False} for day in range(1, 13)]


@pytest.fixture
def upstream():
    upstream = Upstream()
    gives = lambda status, value: lambda: (status, json.dumps(value).encode())  # noqa: E731
    upstream.answers = {
        "/users/ann": gives(200, {"name": "Ann Lee", "secret": 1}),
        "/users/ann/posts": gives(200, POSTS),
        "/users/bob": gives(200, {"name": "Bob"}),
        "/users/bob/posts": gives(404, None),
        "/users/nobody": gives(404, None),
        "/users/nobody/posts": gives(404, None),
        "/users/down": gives(500, None),
        "/users/down/posts": gives(200, []),
        "/users/text": lambda: (200, b"no JSON"),
        "/users/text/posts": gives(200, []),
    }
    yield upstream
    upstream.stop()


@pytest.fixture
def feed(serve, upstream, isolation):
    url = f"http://127.0.0.1:{upstream.port}"
    return serve("js-feed.wasm", "--config", f"upstream={url}", "--allow-host", "127.0.0.1", "--isolation", isolation)


def test_js_two_answers_become_one(feed, upstream):
    for _ in range(3):
        response = feed.get("/feed/ann", timeout=30)
        assert response.status == 200, response
        assert response.headers["content-type"] == "application/json"
        posts = [{"date": post["date"], "title": post["title"]} for post in reversed(POSTS)]
        assert json.loads(response.text) == {"name": "Ann Lee", "posts": posts[:10], "more": 2}
    assert sorted(path for _, path, *_ in upstream.requests) == ["/users/ann"] * 3 + ["/users/ann/posts"] * 3


def test_js_both_are_asked_at_the_same_time(feed, upstream):
    both = threading.Barrier(2, timeout=5 * PATIENCE)

    def meet(value):
        try:
            both.wait()
        except threading.BrokenBarrierError:
            return 500, b""
        return 200, json.dumps(value).encode()

    upstream.answers["/users/ann"] = lambda: meet({"name": "Ann"})
    upstream.answers["/users/ann/posts"] = lambda: meet([])
    assert json.loads(feed.get("/feed/ann", timeout=30).text) == {"name": "Ann", "posts": [], "more": 0}


@pytest.mark.parametrize(
    "status, path, says",
    [
        (200, "/feed/bob", '"posts":[]'),
        (404, "/feed/nobody", "nobody is called nobody"),
        (502, "/feed/down", "answered 500"),
        (502, "/feed/text", "no JSON"),
        (404, "/feed/", "try /feed/NAME"),
        (404, "/feed/a%2fb", "try /feed/NAME"),
        (404, "/", "try /feed/NAME"),
    ],
)
def test_js_what_else_can_happen(feed, status, path, says):
    for _ in range(2):
        response = feed.get(path, timeout=30)
        assert (response.status, says in response.text) == (status, True), response


def test_js_only_get(feed, upstream):
    for body in [b"", b"x" * 100_000]:
        assert feed.request("POST", "/feed/ann", body=body).status == 405
    assert upstream.requests == []


def test_js_without_a_grant(serve, upstream, isolation):
    server = serve("js-feed.wasm", "--config", f"upstream=http://127.0.0.1:{upstream.port}", "--isolation", isolation)
    for _ in range(2):
        response = server.get("/feed/ann", timeout=30)
        assert (response.status, "cannot be reached" in response.text) == (502, True), response
    server.wait_for_log(r"--allow-host")
    assert upstream.connections == 0


def test_js_without_configuration(serve):
    assert serve("js-feed.wasm").get("/feed/ann", timeout=30).status == 500


def test_js_nobody_listens(feed, upstream):
    upstream.stop()
    response = feed.get("/feed/ann", timeout=30)
    assert (response.status, "cannot be reached" in response.text) == (502, True), response


def test_js_many_at_once(feed):
    answers = in_parallel(60, lambda _: json.loads(feed.get("/feed/ann", timeout=60).text)["name"])
    assert answers == ["Ann Lee"] * 60


# --- Python: a table read as it arrives

TABLE = "/?by=region&sum=amount"


@pytest.fixture
def report(serve, isolation):
    server = serve("py-report.wasm", "--isolation", isolation, "--timeout", "120")

    def ask(body, path=TABLE, method="POST"):
        response = server.request(method, path, body=body, timeout=60)
        assert response.headers["content-type"] == "application/json", response
        return response.status, json.loads(response.text)

    ask.server = server
    return ask


def test_python_a_report(report):
    table = b'region,amount,note\nnorth,1.5,a\n"so,uth",2,"two\nlines"\nnorth,x,\nnorth,3,b\n'
    for _ in range(3):
        status, value = report(table)
        assert status == 200
        assert value["groups"] == {
            "north": {"count": 2, "sum": 4.5, "mean": 2.25, "min": 1.5, "max": 3.0},
            "so,uth": {"count": 1, "sum": 2.0, "mean": 2.0, "min": 2.0, "max": 2.0},
        }
        assert (value["wrong"], value["wrong_rows"]) == (["line 5: amount is 'x'"], 1)
    report.server.wait_for_log(r"report: 3 rows, 1 wrong")


def test_python_a_byte_order_mark_is_no_part_of_a_name(report):
    assert report(b"\xef\xbb\xbfregion,amount\r\nnorth,1\r\n")[1]["groups"]["north"]["sum"] == 1


@pytest.mark.parametrize(
    "status, body, path, method",
    [
        (405, None, TABLE, "GET"),
        (400, b"region,amount\n", "/", "POST"),
        (400, b"region,amount\n", "/?by=region", "POST"),
        (422, b"region,price\n", TABLE, "POST"),
        (422, b"", TABLE, "POST"),
        (400, b"region,amount\n\xff\xfe,1\n", TABLE, "POST"),
        (400, b"region,amount\n" + b"x" * 200_000 + b",1\n", TABLE, "POST"),
        (422, b"region,amount\n" + b"".join(b"%d,1\n" % i for i in range(10_001)), TABLE, "POST"),
    ],
    ids=itertools.count(1),
)
def test_python_bad_tables_are_refused_with_the_reason(report, status, body, path, method):
    for _ in range(2):
        answered, value = report(body, path, method)
        assert (answered, list(value)) == (status, ["error"]), value


def test_python_a_table_larger_than_its_memory(serve):
    rows = b"".join(b"%s,%d,%s\n" % ([b"north", b"south"][i % 2], i % 100, b"n" * 400) for i in range(2000))
    times = 40  # 33 MB
    server = serve("py-report.wasm", "--max-memory", "40", "--timeout", "120")
    response = server.request("POST", TABLE, body=b"region,amount,note\n" + rows * times, timeout=120)
    assert response.status == 200, response
    groups = json.loads(response.text)["groups"]
    assert {name: group["count"] for name, group in groups.items()} == {"north": 1000 * times, "south": 1000 * times}


def test_python_many_at_once(report):
    def ask(i):
        return report(b"region,amount\n" + b"north,%d\n" % i * 100)[1]["groups"]["north"]["sum"]

    assert in_parallel(60, ask) == [100 * i for i in range(60)]


# --- Rust: the files of a folder


@pytest.fixture
def public(tmp_path):
    folder = tmp_path / "public"
    (folder / "sub").mkdir(parents=True)
    (folder / "notes.txt").write_text("hello world\n")
    (folder / "sub" / "data.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "out").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
def files(serve, public, isolation):
    return serve("rust-files.wasm", "--dir", f"{public}::/", "--isolation", isolation)


def test_rust_files_are_served_with_type_and_length(files, public):
    for _ in range(2):
        response = files.get("/notes.txt")
        assert (response.status, response.text) == (200, "hello world\n")
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert files.get("/sub/data.json").headers["content-type"] == "application/json"
        assert files.request("HEAD", "/notes.txt").headers["content-length"] == "12"
        assert files.get("/").text == "notes.txt\nout\nsub/\n"
        assert files.get("/sub/").text == "data.json\n"


@pytest.mark.parametrize("size", [0, 1, 65_537, 20 * MIB])
def test_rust_a_file_goes_in_and_out_whole(files, public, size):
    data = os.urandom(size)
    response = files.request("PUT", "/a%20file.bin", body=data, timeout=60)
    assert (response.status, response.text) == (201, f"{size} bytes\n")
    assert (public / "a file.bin").read_bytes() == data
    assert files.get("/a%20file.bin", timeout=60).body == data
    assert files.request("PUT", "/a%20file.bin", body=b"new").status == 201
    assert files.get("/a%20file.bin").body == b"new"
    assert files.request("DELETE", "/a%20file.bin").status == 200
    assert sorted(os.listdir(public)) == ["notes.txt", "out", "sub"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/../secret.txt", "/sub/../../secret.txt", "/%2e%2e/secret.txt"])
def test_rust_no_path_leads_out_of_the_folder(files, tmp_path, method, path):
    assert files.request(method, path, body=b"x" if method == "PUT" else None).status == 403
    assert (tmp_path / "secret.txt").read_text() == "secret"


def test_rust_a_link_leads_nowhere_else_either(files):
    response = files.get("/out")
    assert (response.status, "secret" in response.text) == (403, False), response


@pytest.mark.parametrize(
    "status, method, path",
    [
        (404, "GET", "/nothing"),
        (404, "GET", "/notes.txt/below"),
        (404, "PUT", "/no/such/folder"),
        (409, "PUT", "/sub"),
        (409, "DELETE", "/sub"),
        (404, "DELETE", "/nothing"),
        (405, "POST", "/notes.txt"),
    ],
)
def test_rust_what_cannot_be_done(files, public, status, method, path):
    for _ in range(2):
        assert files.request(method, path, body=b"x" if method in ("PUT", "POST") else None).status == status
    assert sorted(os.listdir(public)) == ["notes.txt", "out", "sub"]


def test_rust_a_folder_that_is_read_only(serve, public):
    server = serve("rust-files.wasm", "--dir", f"{public}::/:ro")
    assert server.get("/notes.txt").text == "hello world\n"
    for method in ["PUT", "DELETE"]:
        assert server.request(method, "/notes.txt", body=b"x" if method == "PUT" else None).status == 403
    assert (public / "notes.txt").read_text() == "hello world\n"


def test_rust_no_folder_is_granted(serve):
    response = serve("rust-files.wasm").get("/notes.txt")
    assert (response.status, "--dir" in response.text) == (503, True)


def test_rust_an_upload_that_breaks_off_changes_no_file(files, public):
    with files.connect() as connection:
        connection.send(b"PUT /notes.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 100_000)
        assert eventually(lambda: len(os.listdir(public)) == 4), "the upload has not begun"
        connection.reset()
    # The component ends with its client, and so cannot take away what it has written.
    for _ in range(5):
        assert files.get("/notes.txt").text == "hello world\n"
        time.sleep(0.05)


def test_rust_many_at_once(files, public):
    datas = [os.urandom(10_000 * i) for i in range(40)]

    def there_and_back(i):
        assert files.request("PUT", f"/{i}.bin", body=datas[i], timeout=30).status == 201
        return files.get(f"/{i}.bin", timeout=30).body == datas[i]

    assert all(in_parallel(40, there_and_back))


# --- all of the big ones


@pytest.mark.parametrize("guest", [*BIG, "zig-checksum.wasm", "rust-files.wasm"])
def test_every_import_is_met(call, guests, guest):
    finished = call("inspect", guests / guest)
    assert (finished.status, "every import is met" in finished.out) == (0, True), finished


@pytest.mark.parametrize("guest", BIG)
def test_a_start_from_the_cache_is_quick(serve, guest):
    serve(guest).stop()
    started = time.monotonic()
    server = serve(guest)
    assert server.get("/").status < 500
    assert time.monotonic() - started < 5 * PATIENCE
    assert "compiling" not in server.log


def test_the_first_start_says_that_it_compiles(serve, tmp_path):
    env = {"XDG_CACHE_HOME": str(tmp_path)}
    server = serve("py-report.wasm", env=env)
    assert len(re.findall(r"compiling .*py-report\.wasm \(\d\d\.\d MB\)", server.log)) == 1, server.log
    assert server.log.index("compiling") < server.log.index("listening")
    server.stop()
    assert "compiling" not in serve("py-report.wasm", env=env).log


def test_a_terminal_sees_how_far_it_is(unbolt, guests, tmp_path):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(unbolt), "run", str(guests / "go-orders.wasm"), "--listen", "127.0.0.1:0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
    )
    os.close(theirs)
    seen = []

    def read():
        try:
            while data := os.read(ours, 4096):
                seen.append(data.decode(errors="replace"))
        except OSError:
            pass  # the other end is closed

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        last = r"compiling .*go-orders\.wasm \(\d\.\d MB\): core module (\d+) of \1\r?\n"
        assert eventually(lambda: re.search(last, "".join(seen)), seconds=60), seen
        assert "core module 1 of" in "".join(seen)
    finally:
        process.terminate()
        process.wait(20 * PATIENCE)
        reader.join(5)
        os.close(ours)
