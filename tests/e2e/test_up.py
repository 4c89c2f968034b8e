"""An application under `unbolt up`: what runs, and how it is changed while it runs."""

import os
import re
import stat
import subprocess
import threading

import pytest

from conftest import eventually, error_line


def leb(number):
    data = b""
    while True:
        number, byte = number >> 7, number & 0x7F
        data += bytes([byte | (0x80 if number else 0)])
        if not number:
            return data


def another_revision(component, note):
    """The same component with another digest: a custom section at its end."""
    content = leb(len(note)) + note.encode()
    return component.read_bytes() + b"\0" + leb(len(content)) + content


@pytest.fixture
def counter(app, guests):
    """One component that counts in a key-value store."""
    app.write(f"name: shop\ncomponents:\n  counter:\n    image: {guests / 'cpp-counter.wasm'}\n"
              "    links:\n      wasi:keyvalue: 'memory:'\n")
    return app


def number_of(response):
    assert response.status == 200, response
    return int(re.search(r"was visited (\d+) time", response.text)[1])


def test_runs_and_is_described(counter):
    host = counter.up()
    assert number_of(host.get("/a")) == 1
    status = counter.status()
    assert status["application"] == "shop"
    assert status["listen"] == f"http://127.0.0.1:{host.port}"
    assert status["routes"] == [{"host": "", "path": "/", "to": "counter"}]
    (component,) = status["components"]
    assert component["calls"] == 1 and component["failed"] == 0 and component["in-flight"] == 0
    assert component["links"] == [{"contract": "wasi:keyvalue", "name": "", "url": "memory:"}]
    text = counter.run("ps")
    assert "COMPONENT" in text.out and "counter" in text.out
    assert "wasi:keyvalue" in counter.run("links").out


def test_swaps_a_provider(counter):
    host = counter.up()
    assert number_of(host.get("/a")) == 1
    report = counter.swap("counter", "wasi:keyvalue=sqlite:app.db")
    assert report["change"] == f"wasi:keyvalue memory: -> sqlite:{counter.folder}/app.db"
    assert report["before"]["calls"] == 1 and report["before"]["failed"] == 0
    assert report["drained"] and report["ready-ms"] <= report["serving-ms"] <= report["drained-ms"]
    assert number_of(host.get("/a")) == 1
    assert number_of(host.get("/a")) == 2
    assert (counter.folder / "app.db").exists()
    # And back, to a store that is new: the old one was let go.
    assert counter.run("rollback", "counter").status == 0
    assert number_of(host.get("/a")) == 1
    counter.swap("counter", "wasi:keyvalue=sqlite:app.db")
    assert number_of(host.get("/a")) == 3


def test_a_provider_that_cannot_be_had_leaves_the_old(counter):
    host = counter.up()
    host.get("/a")
    for url, words in [
        ("sqlite:/no/such/folder/x.db", "no/such/folder"),
        ("sqlit:app.db", "has no provider 'sqlit:'"),
        ("nonsense", "no scheme"),
    ]:
        finished = counter.run("swap", "counter", f"wasi:keyvalue={url}")
        assert finished.status != 0 and words in finished.err, finished
    finished = counter.run("swap", "counter", "wasi:blobstor=memory:")
    assert finished.status != 0 and "wasi:blobstor" in finished.err, finished
    finished = counter.run("swap", "count", "wasi:keyvalue=memory:")
    assert "did you mean counter?" in finished.err
    assert number_of(host.get("/a")) == 2
    assert counter.component("counter")["links"][0]["url"] == "memory:"


def test_swaps_a_revision_and_goes_back(app, guests):
    app.write(f"name: hello\ncomponents:\n  web: {guests / 'c-hello.wasm'}\n")
    host = app.up()
    first = host.get("/").text
    old = app.component("web")["revision"]
    finished = app.run("swap", "web", guests / "cpp-counter.wasm")
    assert finished.status == 1 and "no link says where that leads" in finished.err, finished
    report = app.swap("web", guests / "rust-echo.wasm")
    assert report["before"]["revision"] == old != report["after"]["revision"]
    assert host.get("/").text != first
    app.ask("rollback", "web")
    assert host.get("/").text == first
    assert app.component("web")["revision"] == old
    app.ask("rollback", "web")
    assert host.get("/").text != first


def test_a_revision_that_is_none_leaves_the_old(app, guests):
    app.write(f"name: hello\ncomponents:\n  web: {guests / 'c-hello.wasm'}\n")
    host = app.up()
    first = host.get("/").text
    (app.folder / "broken.wasm").write_bytes((guests / "rust-echo.wasm").read_bytes()[:-100])
    (app.folder / "text.wasm").write_text("hello")
    for file, words in [("broken.wasm", "broken.wasm"), ("text.wasm", "text.wasm: it is no WebAssembly file"),
                        ("missing.wasm", "No such file"), (guests / "rust-cli.wasm", "handles no HTTP")]:
        finished = app.run("swap", "web", file)
        assert finished.status == 1 and words in finished.err, finished
    finished = app.run("swap", "web", guests / "rust-echo.wasm", "--digest", "sha256:" + "0" * 64)
    assert finished.status == 1 and "its digest is" in finished.err, finished
    assert host.get("/").text == first
    assert app.component("web")["calls"] == 2


def test_a_canary_gets_its_part(app, guests):
    app.write(f"name: hello\ncomponents:\n  web: {guests / 'c-hello.wasm'}\n")
    host = app.up("--threads", "1")
    first = host.get("/").text
    app.swap("web", guests / "rust-echo.wasm", "--traffic", "25%")
    others = sum(host.get("/").text != first for _ in range(40))
    assert others == 10
    canary = app.component("web")["canary"]
    assert canary["percent"] == 25 and canary["calls"] == 10
    app.ask("rollback", "web")
    assert all(host.get("/").text == first for _ in range(20))
    assert "canary" not in app.component("web")
    app.swap("web", guests / "rust-echo.wasm", "--traffic", "50%")
    app.swap("web", guests / "rust-echo.wasm")
    assert all(host.get("/").text != first for _ in range(20))


def test_apply_changes_what_differs(app, guests):
    app.write(f"name: two\ncomponents:\n  a: {guests / 'c-hello.wasm'}\n  b: {guests / 'rust-echo.wasm'}\n"
              "routes:\n  - {path: /, to: a}\n  - {path: /b, to: b}\n")
    host = app.up()
    a, b = host.get("/").text, host.get("/b").text
    assert a != b
    assert "nothing to do" in app.run("apply").out
    app.write(f"name: two\ncomponents:\n  b: {guests / 'rust-echo.wasm'}\n  c: {guests / 'c-hello.wasm'}\n"
              "routes:\n  - {path: /, to: b}\n  - {host: c.example, path: /, to: c}\n")
    plan = app.run("apply", "--dry-run").out
    assert "a" in plan and host.get("/").text == a
    app.ask("apply")
    assert host.get("/").text == b
    assert host.get("/", headers={}).text == b
    assert host.request("GET", "/", headers={"Connection": "close"}).text == b
    assert [c["name"] for c in app.status()["components"]] == ["b", "c"]
    # A mistake anywhere changes nothing.
    app.write(f"name: two\ncomponents:\n  b: {guests / 'c-hello.wasm'}\n  d: {app.folder / 'none.wasm'}\n"
              "routes:\n  - {path: /, to: b}\n")
    finished = app.run("apply")
    assert finished.status == 1 and "none.wasm" in finished.err
    assert host.get("/").text == b


def test_a_restart_goes_on_where_it_was(counter):
    host = counter.up()
    counter.swap("counter", "wasi:keyvalue=sqlite:app.db")
    for _ in range(3):
        host.get("/a")
    host.kill()
    host = counter.up()
    assert "goes on as it was changed since" in host.log
    assert number_of(host.get("/a")) == 4
    host.stop()
    host = counter.up("--reset")
    assert number_of(host.get("/a")) == 1


def test_the_way_back_outlives_the_host(counter):
    host = counter.up()
    assert number_of(host.get("/a")) == 1
    counter.swap("counter", "wasi:keyvalue=sqlite:app.db")
    host.kill()
    host = counter.up()
    (report,) = counter.ask("rollback", "counter")
    assert report["changed"]["change"] == "back to wasi:keyvalue memory:"
    assert counter.component("counter")["links"][0]["url"] == "memory:"
    host.stop()
    counter.up("--reset")
    refused = counter.run("rollback", "counter")
    assert refused.status == 1 and "nothing to go back to" in refused.err, refused


def test_a_revision_stays_what_it_was(app, guests):
    """The file that was put into service may be built anew, or go: the host has its own copy."""
    file = app.folder / "web.wasm"
    file.write_bytes((guests / "c-hello.wasm").read_bytes())
    app.write("name: hello\ncomponents:\n  web: ./web.wasm\n")
    host = app.up()
    first = host.get("/").text
    file.write_bytes((guests / "rust-echo.wasm").read_bytes())
    second = app.swap("web", "web.wasm")
    assert host.get("/").text != first
    file.unlink()
    report = app.ask("rollback", "web")[0]["changed"]
    assert host.get("/").text == first
    assert report["after"]["revision"] == second["before"]["revision"]


def test_one_host_an_application(counter):
    counter.up()
    finished = counter.run("up", "--listen", "127.0.0.1:0")
    assert finished.status == 1 and "runs the application 'shop' already" in finished.err


def test_the_control_socket_is_its_owners(counter):
    counter.up()
    folder = counter.folder / "state" / "unbolt" / "shop"
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(folder / "control.sock").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(folder / "desired.yaml").st_mode) == 0o600
    if os.geteuid() != 0:
        return
    # Even where the folder lets others pass, the host asks who it is that connects.
    for path in [folder, folder.parent, folder.parent.parent, counter.folder]:
        os.chmod(path, 0o755)
    os.chmod(folder / "control.sock", 0o666)
    script = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
              "print(s.recv(4096).decode())")
    said = subprocess.run(["/usr/bin/python3", "-c", script, str(folder / "control.sock")], user="nobody",
                          capture_output=True, text=True, timeout=20)
    assert "its owner's alone" in said.stdout, said
    assert counter.status()["application"] == "shop"


def test_logs(counter):
    host = counter.up()
    host.get("/a")
    counter.run("swap", "counter", "wasi:keyvalue=sqlite:app.db")
    assert "wasi:keyvalue memory: -> sqlite:" in counter.run("logs", "counter").out
    follower = subprocess.Popen([str(counter.unbolt), "logs", "-f"], env={**os.environ, **counter.env},
                                stdout=subprocess.PIPE, text=True)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(iter(follower.stdout.readline, "")), daemon=True)
    reader.start()
    assert counter.run("logs").status == 0
    follower.terminate()
    follower.wait()
    assert host.running()


def test_stop_ends_it(counter):
    host = counter.up()
    assert counter.run("stop").status == 0
    assert host.wait() == 0
    finished = counter.run("ps")
    assert finished.status == 1 and "no host of this user runs" in finished.err


def test_stop_returns_when_the_host_has_ended(counter):
    for _ in range(5):
        counter.up()
        assert counter.run("stop").status == 0
        finished = counter.run("ps", "--app", "shop")
        assert finished.status == 1 and "no host runs the application 'shop'" in finished.err


def test_says_what_was_meant(counter):
    counter.up(counter.folder)  # a folder: its unbolt.yaml
    for arguments, words in [
        (("ps", "--app", "shops"), "running: shop"),
        (("swap", "counter", "memory:"), "CONTRACT=URL"),
        (("swap", "counter", "wasi:keyvalue=memry"), "no scheme"),
    ]:
        finished = counter.run(*arguments)
        assert finished.status != 0 and words in finished.err, finished
    assert "nothing was carried over" in counter.run("swap", "counter", "wasi:keyvalue=memory:b").out
    assert "nothing was carried over" in counter.run("rollback", "counter").out
    assert "nothing was carried over" not in counter.run("swap", "counter", "wasi:keyvalue=memory:c", "--copy").out


@pytest.mark.parametrize("line", [b"", b"\n", b"{\n", b"[]\n", b"{}\n", b'{"command":1}\n', b'{"command":"nothing"}\n',
                                  b'{"command":"apply"}\n', b'{"command":"apply","manifest":7}\n',
                                  b'{"command":"apply","manifest":"name: [}"}\n', b'{"command":"swap"}\n',
                                  b'{"command":"swap","component":"counter","image":"/etc/passwd"}\n',
                                  b'{"command":"swap","component":"counter","image":"x","percent":1000}\n',
                                  b'{"command":"logs","lines":-1}\n', b"\xff\xfe\n", b"[" * 100_000 + b"\n",
                                  b"x" * 5_000_000],
                         ids=lambda line: f"{len(line)} bytes")  # pytest puts it into the environment
def test_hostile_control_requests(counter, line):
    import socket

    host = counter.up()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(counter.folder / "state/unbolt/shop/control.sock"))
        try:
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while part := connection.recv(65536):
                answer += part
        except ConnectionError:
            answer = b""
        if answer:
            assert b'"error"' in answer, answer
    assert number_of(host.get("/a")) == 1


def test_swaps_one_after_the_other(counter):
    """Swaps that come at the same time all happen, each whole."""
    host = counter.up()
    commands = [subprocess.Popen([str(counter.unbolt), "swap", "counter", f"wasi:keyvalue=sqlite:{i}.db"],
                                 env={**os.environ, **counter.env}, cwd=counter.folder, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE) for i in range(8)]
    for command in commands:
        command.communicate(timeout=60)
        assert command.returncode == 0
    assert number_of(host.get("/a")) == 1
    assert eventually(lambda: not counter.component("counter")["draining"])


@pytest.mark.parametrize("text,words", [
    ("components: {a: ./none.wasm}\n", "none.wasm"),
    ("name: Shop\ncomponents: {a: ./none.wasm}\n", "unbolt.yaml:1:"),
    ("name: x\ncomponents: {a: {image: ./a.wasm, link: {}}}\n", "links"),
])
def test_mistakes_in_the_manifest(app, text, words):
    app.write(text)
    finished = app.run("up", "--listen", "127.0.0.1:0")
    assert finished.status in (1, 2) and words in error_line(finished) + finished.err


def test_a_swap_to_what_is_there_changes_nothing(counter, guests):
    host = counter.up()
    counter.swap("counter", "wasi:keyvalue=sqlite:app.db")
    assert number_of(host.get("/a")) == 1
    again = counter.run("swap", "counter", "wasi:keyvalue=sqlite:app.db")
    assert again.out == f"counter: nothing: wasi:keyvalue leads to sqlite:{counter.folder}/app.db already\n", again
    same = counter.swap("counter", guests / "cpp-counter.wasm")
    assert same["change"].startswith("nothing: revision sha256:"), same
    assert counter.run("rollback", "counter").status == 0
    assert counter.component("counter")["links"][0]["url"] == "memory:"
    assert counter.swap("counter", "wasi:keyvalue=memory")["change"].startswith("nothing: ")


def test_goes_back_with_the_data(counter):
    host = counter.up()
    counter.swap("counter", "wasi:keyvalue=sqlite:app.db")
    for expected in range(1, 4):
        assert number_of(host.get("/a")) == expected
    refused = counter.run("rollback", "counter", "--overwrite")
    assert refused.status == 2 and "--copy" in refused.err, refused
    (report,) = counter.ask("rollback", "counter", "--copy")
    assert report["changed"]["copied"]["keys"] == 1
    assert number_of(host.get("/a")) == 4
    # And forward again: what is there is what it was, unless it may go.
    refused = counter.run("rollback", "counter", "--copy")
    assert refused.status == 1 and "--overwrite" in refused.err, refused
    assert f"wasi:keyvalue sqlite:{counter.folder}/app.db" in refused.err, refused
    assert counter.run("rollback", "counter", "--copy", "--overwrite").status == 0
    assert number_of(host.get("/a")) == 5


def test_only_a_store_goes_back_with_data(app, guests):
    app.write(f"name: hello\ncomponents:\n  web: {guests / 'c-hello.wasm'}\n")
    app.up()
    app.swap("web", guests / "rust-echo.wasm")
    refused = app.run("rollback", "web", "--copy")
    assert refused.status == 1 and "nothing to copy" in refused.err, refused


def test_a_dry_run_checks(counter, guests):
    host = counter.up()
    text = (counter.folder / "unbolt.yaml").read_text()
    counter.write(text.replace("memory:", "sqlite:/no/such/folder/x.db"))
    tried = counter.run("apply", "--dry-run")
    assert tried.status == 1 and "no/such/folder" in tried.err and "~ counter: links" in tried.out, tried
    assert "unbolt swap --copy does that" in tried.out
    counter.write(text.replace("memory:", "sqlite:app.db"))
    assert counter.run("apply", "--dry-run").status == 0
    assert counter.component("counter")["links"][0]["url"] == "memory:"
    counter.write(text)
    (counter.folder / "next.wasm").write_bytes(another_revision(guests / "cpp-counter.wasm", "next"))
    assert counter.run("swap", "counter", "next.wasm", "--traffic", "10%").status == 0
    assert "~ counter: the canary ends\n" in counter.run("apply", "--dry-run").out
    assert "canary" in counter.component("counter")
    assert counter.run("apply").status == 0
    assert "canary" not in counter.component("counter")
    assert number_of(host.get("/a")) == 1


def test_logs_of_nobody(counter):
    counter.up()
    refused = counter.run("logs", "countr")
    assert refused.status == 1 and "did you mean counter?" in refused.err, refused
    assert counter.run("logs", "counter").status == 0


def test_following_the_log_ends_with_the_host(counter):
    host = counter.up()
    following = subprocess.Popen([counter.unbolt, "logs", "-f"], env={**os.environ, **counter.env},
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    counter.swap("counter", "wasi:keyvalue=sqlite:app.db")
    assert "in service after" in following.stdout.readline().decode()
    host.stop()
    out, err = following.communicate(timeout=20)
    assert following.returncode == 0 and err == b"the host has ended\n", err


def test_topics_are_listed(app, guests):
    app.write(f"""
name: shop
components:
  billing: {{image: {guests / "messages.wasm"}, links: {{wasmcloud:messaging: memory, wasi:keyvalue: memory}}}}
topics:
  - {{subject: shop.orders.*}}
""")
    app.up()
    (topic,) = app.status()["topics"]
    assert topic == {"subject": "shop.orders.*", "from": "memory:", "group": "shop-billing", "to": "billing"}
    assert "topics\nshop.orders.*  from memory:  in group shop-billing  -> billing\n" in app.run("ps").out
