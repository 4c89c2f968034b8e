"""wasi:config from flags, the environment and a file that changes; wasmcloud:secrets from wherever they come."""

import os

import pytest
from conftest import error_line, eventually

FAST = "?every=50ms"


def value(server, key):
    response = server.get(f"/config?key={key}")
    return response.text.rstrip("\n") if response.status == 200 else None


def test_a_file_is_followed_while_components_run(serve, tmp_path):
    place = tmp_path / "settings.yaml"
    place.write_text("greeting: hello\nport: 8080\n")
    server = serve("reach.wasm", "--isolation", "reused:1000", "--threads", "1",
                   "--link", f"wasi:config=file:{place}{FAST}", "--config", "port=9090")
    assert value(server, "greeting") == "hello"
    assert value(server, "port") == "9090"  # the flag stands above the file
    place.write_text("greeting: good day\n")
    assert eventually(lambda: value(server, "greeting") == "good day")
    other = tmp_path / "other.yaml"
    other.write_text('{"greeting": "by another name"}')
    other.rename(place)
    assert eventually(lambda: value(server, "greeting") == "by another name")
    assert server.get("/config").text == "greeting=by another name\nport=9090\n"


def test_a_broken_file_keeps_the_last_good_values(serve, tmp_path):
    place = tmp_path / "settings.yaml"
    place.write_text("password: hunter2\n")
    server = serve("reach.wasm", "--link", f"wasi:config=file:{place}{FAST}")
    place.write_text("password: [hunter3]\n")
    server.wait_for_log(r"settings\.yaml': line 1: 'password' is a list.*the values from before stay")
    assert value(server, "password") == "hunter2"
    place.unlink()
    server.wait_for_log(r"No such file.*the values from before stay")
    assert value(server, "password") == "hunter2"
    place.write_text("password: hunter4\n")
    assert eventually(lambda: value(server, "password") == "hunter4")
    assert "hunter" not in server.log


def test_the_environment(serve):
    server = serve("reach.wasm", "--link", "wasi:config=env:SHOP_", env={"SHOP_CURRENCY": "EUR", "OTHER": "x"})
    assert server.get("/config").text == "CURRENCY=EUR\n"


@pytest.mark.parametrize(
    "url, words",
    [
        ("env:", "env:PREFIX"),
        ("file:none.yaml", "none.yaml"),
        ("file:broken.yaml", "line 2"),
        ("memory:", "wasi:config has no provider 'memory:'"),
    ],
)
def test_what_cannot_be_configuration(call, guests, tmp_path, url, words):
    (tmp_path / "broken.yaml").write_text("a: 1\nb: [")
    finished = call("run", guests / "reach.wasm", "--listen", "127.0.0.1:0", "--link", f"wasi:config={url}", cwd=tmp_path)
    assert finished.status in (1, 2), finished
    assert words in finished.err, finished


def secret(server, key, more=""):
    response = server.get(f"/secret?key={key}{more}")
    return response.text.rstrip("\n") if response.status == 200 else response.status


def test_secrets_of_every_kind(serve, tmp_path):
    text, binary = tmp_path / "text", tmp_path / "binary"
    text.write_text("from a file\n")
    binary.write_bytes(b"\xff\x00\n")
    for place in (text, binary):
        place.chmod(0o600)
    server = serve("reach.wasm", "--secret", "e=env:TEST_SECRET", "--secret", f"f=file:{text}", "--secret", f"b=file:{binary}",
                   "--secret", "v=value:as it is", env={"TEST_SECRET": "from the environment"})
    assert secret(server, "e") == "string: from the environment"
    assert secret(server, "f") == "string: from a file"
    assert secret(server, "b") == "bytes: ff000a"
    assert secret(server, "v") == "string: as it is"
    assert secret(server, "other") == 404
    assert secret(server, "f", "&hold=3000") == "string: from a file"
    assert [line.split(":")[0] for line in server.log.splitlines() if " info " not in line] == ["listening on http"], server.log


def test_a_secret_in_a_file_is_replaced(serve, tmp_path):
    place = tmp_path / "key"
    place.write_text("old hunter2")
    place.chmod(0o644)
    server = serve("reach.wasm", "--secret", f"key=file:{place}")
    server.wait_for_log(r"others than its owner may read or write .*key.*chmod 600")
    assert secret(server, "key") == "string: old hunter2"
    place.write_text("new hunter2")
    assert secret(server, "key") == "string: new hunter2"
    place.unlink()
    gone = server.get("/secret?key=key")
    assert gone.status == 500 and gone.text == "io: the secret 'key' cannot be read\n"
    server.wait_for_log(r"the secret key cannot be read: '.*key' cannot be read: No such file")
    place.write_text("back")
    assert secret(server, "key") == "string: back"
    assert "hunter2" not in server.log


def test_without_secrets_there_are_none(serve):
    assert secret(serve("reach.wasm"), "key") == 404


@pytest.mark.parametrize(
    "text, status",
    [("key=hunter2", 2), ("hunter2", 2), ("=hunter2", 2), ("key=file:/nonexistent/k", 1), ("key=env:NO_SUCH_SECRET", 1), ("key=file:", 2)],
)
def test_what_is_no_secret_is_not_shown(call, guests, text, status):
    env = {name: value for name, value in os.environ.items() if name != "NO_SUCH_SECRET"}
    finished = call("run", guests / "reach.wasm", "--listen", "127.0.0.1:0", "--secret", text, env=env)
    assert finished.status == status, finished
    assert "--secret" in error_line(finished)
    assert "hunter2" not in finished.err + finished.out


def manifest(guests, config, secrets):
    return (f"name: shop\ncomponents:\n  reach:\n    image: {guests / 'reach.wasm'}\n"
            f"    links: {{wasi:config: 'file:settings.yaml{FAST}'}}\n    config: {config}\n    secrets: {secrets}\n")


def test_an_application_has_both(app, guests):
    (app.folder / "settings.yaml").write_text("greeting: hello\nport: 8080\n")
    (app.folder / "key").write_text("old")
    (app.folder / "key").chmod(0o600)
    app.write(manifest(guests, "{port: '9090'}", "{key: file:key, text: 'value:hunter2'}"))
    host = app.up()
    assert host.get("/config").text == "greeting=hello\nport=9090\n"
    assert host.get("/secret?key=key").text == "string: old\n"
    assert host.get("/secret?key=text").text == "string: hunter2\n"
    (app.folder / "settings.yaml").write_text("greeting: good day\n")
    (app.folder / "key").write_text("new")
    assert host.get("/secret?key=key").text == "string: new\n"
    assert eventually(lambda: host.get("/config").text == "greeting=good day\nport=9090\n")
    app.write(manifest(guests, "{port: '7070'}", "{key: file:key, text: 'value:hunter3'}"))
    applied = app.run("apply")
    assert applied.status == 0, applied
    assert host.get("/secret?key=text").text == "string: hunter3\n"
    assert host.get("/config").text == "greeting=good day\nport=7070\n"
    assert "hunter" not in host.log + applied.out + applied.err


def test_an_application_needs_no_link_for_its_configuration(app, guests):
    app.write(f"name: shop\ncomponents:\n  reach:\n    image: {guests / 'reach.wasm'}\n    config: {{a: '1'}}\n")
    assert app.up().get("/config").text == "a=1\n"
