"""wasi:blobstore behind a handler that has a path for every function of it: what both providers do, large objects at
constant memory, and what is left of a write that did not end."""

import hashlib
import random
import re
import threading
import time

import pytest
from conftest import SANITIZED, eventually

MIB = 1 << 20
ROOM_KIB = (128 if SANITIZED else 16) * 1024  # a sanitizer keeps what was freed for a while


def stores(tmp_path):
    return {"memory": "memory:", "files": f"file:{tmp_path / 'data'}?sync=off"}


@pytest.fixture(params=["memory", "files"])
def server(request, serve, tmp_path):
    server = serve("blobs.wasm", "--link", f"wasi:blobstore={stores(tmp_path)[request.param]}")
    assert server.get("/create?c=c").status == 200
    return server


def put(server, name, body, container="c", more=""):
    return server.request("PUT", f"/put?c={container}&o={name}{more}", body=body, timeout=60)


def get(server, name, container="c", more=""):
    """The object's bytes; None where the store refuses."""
    response = server.get(f"/get?c={container}&o={name}{more}", timeout=60)
    return response.body if response.status == 200 else None


def names(server, container="c", more=""):
    response = server.get(f"/list?c={container}{more}")
    assert response.status == 200, response
    return response.text.splitlines()


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def test_what_is_written_is_read(server):
    assert put(server, "o", b"hello").status == 200
    assert get(server, "o") == b"hello"
    assert put(server, "o", b"other, and longer", more="&by=read").status == 200
    assert get(server, "o", more="&by=read") == b"other, and longer"
    assert get(server, "o", more="&by=sync") == b"other, and longer"
    assert put(server, "o", b"").status == 200
    assert get(server, "o") == b"" and get(server, "o", more="&by=sync") == b""
    refused = server.get("/get?c=c&o=none")
    assert refused.status == 409 and refused.text == "there is no object 'none' in the container 'c'\n"


def test_a_value_may_be_written_before_it_has_a_container(server):
    body = noise(900_000)
    assert put(server, "o", body, more="&early=1").status == 200
    assert get(server, "o") == body
    refused = put(server, "o", noise(3 * MIB), more="&early=1")
    assert refused.status == 409 and "write-data" in refused.text, refused
    assert get(server, "o") == body


def test_ranges(server):
    put(server, "o", b"0123456789")
    assert get(server, "o", more="&start=3&end=3") == b"3"
    assert get(server, "o", more="&start=3&end=6") == b"3456"
    assert get(server, "o", more="&start=8&end=100") == b"89"
    assert get(server, "o", more="&start=10&end=11") == b""
    assert get(server, "o", more="&start=2&end=4&by=sync") == b"234"
    assert get(server, "o", more="&start=2&end=4&by=size") == b"3\n"
    assert server.get("/get?c=c&o=o&start=5&end=4").status == 409


def test_containers(server):
    assert server.get("/there?c=c").text == "yes\n"
    assert server.get("/there?c=d").text == "no\n"
    refused = server.get("/create?c=c")
    assert refused.status == 409 and "already" in refused.text
    missing = server.get("/list?c=d")
    assert missing.status == 409 and missing.text == "there is no container 'd'\n"
    assert server.get("/create?c=d").status == 200
    put(server, "o", b"in d", "d")
    assert get(server, "o") is None and get(server, "o", "d") == b"in d"
    assert server.get("/drop?c=d").status == 200
    assert server.get("/there?c=d").text == "no\n"
    assert server.get("/create?c=").status == 409


def test_objects_are_listed_removed_copied_and_moved(server):
    wanted = [f"o{i:04}" for i in range(1050)]
    with server.connect() as connection:
        for name in wanted:
            connection.send_request("PUT", f"/put?c=c&o={name}", body=name.encode())
            assert connection.read_response().status == 200
    assert sorted(names(server)) == wanted
    assert sorted(names(server, more="&step=7")) == wanted
    assert len(names(server, more="&skip=1040")) == 10
    assert names(server, more="&skip=5000") == []
    assert server.get("/has?c=c&o=o0007").text == "yes\n"
    assert server.get("/has?c=c&o=none").text == "no\n"
    assert server.get("/delete?c=c&o=o0000").status == 200
    assert server.get("/delete?c=c&o=o0001&p=none").status == 200
    assert sorted(names(server)) == wanted[2:]
    assert server.get("/create?c=d").status == 200
    assert server.get("/copy?c=c&o=o0002&d=d&p=copy").status == 200
    assert server.get("/move?c=c&o=o0003&d=d&p=moved").status == 200
    assert sorted(names(server, "d")) == ["copy", "moved"]
    assert get(server, "copy", "d") == b"o0002" == get(server, "o0002")
    assert get(server, "moved", "d") == b"o0003" and get(server, "o0003") is None
    assert server.get("/copy?c=c&o=none&d=d&p=copy").status == 409
    assert server.get("/copy?c=c&o=o0002&d=none&p=copy").status == 409
    assert server.get("/clear?c=c").status == 200
    assert names(server) == []


def test_facts(server):
    before = int(time.time())
    put(server, "o", b"12345")
    container, item = server.get("/info?c=c&o=o").text.splitlines()
    assert re.fullmatch(r"c \d+", container)
    assert re.fullmatch(r"c/o \d+ 5", item)
    assert before - 60 <= int(container.split()[1]) <= time.time()
    assert before - 1 <= int(item.split()[1]) <= time.time()
    assert server.get("/info?c=c&o=none").status == 409


def test_an_instance_holds_so_many(server):
    put(server, "o", b"v")
    assert server.get("/hold?c=c&o=o&n=100").text == "100\n"
    assert 100 < int(server.get("/hold?c=c&o=o&n=5000").text) <= 256
    assert eventually(lambda: server.descriptors() < 100), server.descriptors()


@pytest.mark.parametrize("end", ["trap", "drop"])
def test_a_write_that_does_not_end_leaves_the_old_object(server, end):
    put(server, "o", b"old")
    response = put(server, "o", noise(3 * MIB), more=f"&end={end}")
    assert response.status == (500 if end == "trap" else 200)
    assert get(server, "o") == b"old"
    assert put(server, "fresh", noise(MIB), more=f"&end={end}").status == response.status
    assert names(server) == ["o"]


def test_a_client_that_leaves_in_the_middle_leaves_the_old_object(server):
    put(server, "o", b"old")
    for _ in range(3):
        with server.connect() as connection:
            connection.send(b"PUT /put?c=c&o=o HTTP/1.1\r\nHost: t\r\nContent-Length: 5000000\r\n\r\n" + noise(MIB))
            time.sleep(0.1)
            connection.reset()
    time.sleep(0.2)
    assert get(server, "o") == b"old"
    assert names(server) == ["o"]
    assert eventually(lambda: server.descriptors() < 60)


def test_links_by_name(serve, tmp_path):
    """One component with one store for everything; what another URL names is another store."""
    url = f"wasi:blobstore=file:{tmp_path / 'data'}"
    one = serve("blobs.wasm", "--link", url)
    two = serve("blobs.wasm", "--link", url)
    assert one.get("/create?c=c").status == 200
    put(one, "o", b"shared")
    assert get(two, "o") == b"shared"
    one.stop()
    assert get(serve("blobs.wasm", "--link", url), "o") == b"shared"
    assert get(serve("blobs.wasm"), "o") is None


class Upload:
    """100 MB and more in pieces that are made as they are sent."""

    def __init__(self, pieces):
        self.pieces = pieces
        self.piece = noise(MIB, 7)

    def each(self):
        for number in range(self.pieces):
            yield number.to_bytes(8, "big") + self.piece[8:]

    def digest(self):
        digest = hashlib.sha256()
        for piece in self.each():
            digest.update(piece)
        return digest.hexdigest()


@pytest.mark.parametrize("by", ["splice", "read"])
def test_100_mb_at_constant_memory(serve, tmp_path, by):
    upload = Upload(100)
    server = serve("blobs.wasm", "--threads", "1", "--link", f"wasi:blobstore=file:{tmp_path / 'data'}?sync=off")
    assert server.get("/create?c=c").status == 200
    put(server, "small", noise(MIB), more=f"&by={by}")
    get(server, "small", more=f"&by={by}")
    before = server.resident_kib()
    most = 0
    with server.connect(60) as connection:
        connection.send(f"PUT /put?c=c&o=large&by={by} HTTP/1.1\r\nHost: t\r\n".encode())
        connection.send(f"Content-Length: {upload.pieces * MIB}\r\n\r\n".encode())
        for number, piece in enumerate(upload.each()):
            connection.send(piece)
            if number % 10 == 0:
                most = max(most, server.resident_kib())
        assert connection.read_response().status == 200
        connection.send_request("GET", f"/get?c=c&o=large&by={by}")
        status, _ = connection.read_head()
        assert status == 200
        digest, size = hashlib.sha256(), 0
        while chunk := connection.read_chunk():
            digest.update(chunk)
            size += len(chunk)
            if size % (10 * MIB) < len(chunk):
                most = max(most, server.resident_kib())
    assert size == upload.pieces * MIB
    assert digest.hexdigest() == upload.digest()
    assert most - before < ROOM_KIB, f"{before} KiB before, {most} KiB at most"


def test_a_slow_reader_holds_the_store_back(serve, tmp_path):
    """Of an object that nobody reads on, no more is in memory than the connection's buffers."""
    server = serve("blobs.wasm", "--threads", "1", "--link", f"wasi:blobstore=file:{tmp_path / 'data'}?sync=off")
    server.get("/create?c=c")
    assert put(server, "large", noise(48 * MIB)).status == 200
    before = server.resident_kib()
    with server.connect(60) as connection:
        connection.send_request("GET", "/get?c=c&o=large")
        connection.read_head()
        time.sleep(0.5)
        assert server.resident_kib() - before < ROOM_KIB
        size = 0
        while chunk := connection.read_chunk():
            size += len(chunk)
    assert size == 48 * MIB


def test_kill_9_leaves_whole_objects(serve, tmp_path):
    """Writers are killed at any moment; afterwards each object is all of one write that began, and those that were
    answered are there."""
    url = f"wasi:blobstore=file:{tmp_path / 'data'}"
    server = serve("blobs.wasm", "--threads", "2", "--link", url)
    server.get("/create?c=c")
    answered = [0] * 4

    def body(writer, number):
        return bytes([writer]) * 8 + number.to_bytes(8, "big") * (50_000 + 1000 * writer)

    def writer(index):
        try:
            with server.connect() as connection:
                for number in range(1, 100_000):
                    connection.send_request("PUT", f"/put?c=c&o={index}", body=body(index, number))
                    if connection.read_response().status != 200:
                        return
                    answered[index] = number
        except (OSError, EOFError):
            pass

    threads = [threading.Thread(target=writer, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: all(answered), 20)
    time.sleep(0.1)
    server.kill()
    for thread in threads:
        thread.join()
    again = serve("blobs.wasm", "--link", url)
    assert sorted(names(again)) == ["0", "1", "2", "3"]
    for index, number in enumerate(answered):
        assert get(again, str(index)) in (body(index, number), body(index, number + 1)), index
    # What the killed writers left is gone.
    again.stop()
    left = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert len(left) == 4, left


@pytest.mark.parametrize(
    "url, words",
    [
        ("file:", "names no folder"),
        ("file:/nonexistent/x/y", "/nonexistent/x"),
        ("file:/dev/null", "/dev/null"),
        ("file:x?sink=off", "sink"),
        ("file:x?sync=perhaps", "sync"),
        ("memory:?max_bytes=lots", "max_bytes"),
        ("s3://bucket", "wasi:blobstore has no provider 's3:'"),
    ],
)
def test_what_cannot_be_opened(call, guests, tmp_path, url, words):
    finished = call("run", guests / "blobs.wasm", "--listen", "127.0.0.1:0", "--link", f"wasi:blobstore={url}", cwd=tmp_path)
    assert finished.status in (1, 2), finished
    assert words in finished.err, finished
