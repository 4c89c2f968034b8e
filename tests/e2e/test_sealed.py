"""Keys, signing and verifying, also together with wasmCloud's own library (tests/wascap)."""

import json
import os
import pathlib
import random
import re
import stat
import subprocess

import pytest

from conftest import eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def wascap():
    """wasmCloud's library: wascap("verify", path) gives the finished process."""
    built = subprocess.run([ROOT / "scripts/build_wascap.sh"], capture_output=True, text=True, timeout=550)
    assert built.returncode == 0, built.stderr
    program = built.stdout.strip()

    def run(*arguments):
        return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def sealed(call, tmp_path):
    """sealed("sign", …): the program with keys of this test's own."""

    def run(*arguments):
        return call(*arguments, env={"XDG_DATA_HOME": str(tmp_path / "data")})

    for kind in ["account", "operator", "component"]:
        assert run("keys", "new", kind).status == 0
    run.keys = tmp_path / "data" / "unbolt" / "keys"
    return run


def public(sealed, name):
    return sealed("keys", "show", name).out.strip()


def sign(sealed, file, out, *options):
    finished = sealed("sign", file, "--issuer", "account", "--subject", "component", "-o", out, *options)
    assert finished.status == 0, finished
    return out.read_bytes()


# --- keys


def test_a_seed_is_shown_only_where_it_is_asked_for(sealed):
    seed = sealed("keys", "show", "account", "--secret").out.strip()
    assert re.fullmatch(r"SA[A-Z2-7]{56}", seed)
    assert re.fullmatch(r"A[A-Z2-7]{55}", public(sealed, "account"))
    assert stat.S_IMODE(os.stat(sealed.keys).st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in sealed.keys.iterdir())
    listed = json.loads(sealed("keys", "list", "-o", "json").out)
    assert [key["kind"] for key in listed] == ["account", "component", "operator"]
    for arguments in [
        ("keys", "list"),
        ("keys", "new", "account", seed),
        ("keys", "new", seed),
        ("keys", "show", seed),
        ("sign", "x.wasm", "--issuer", seed),
        ("keys", "vouch", seed, "--issuer", "operator"),
    ]:
        finished = sealed(*arguments)
        assert seed[4:24] not in finished.out + finished.err, arguments


# --- signing and verifying


def test_what_is_signed_is_verified_inspected_and_runs(sealed, guests, tmp_path):
    plain, out = guests / "cpp-counter.wasm", tmp_path / "counter.wasm"
    chain = tmp_path / "chain"
    chain.write_text(sealed("keys", "vouch", "account", "--issuer", "operator", "--name", "team").out)
    signed = sign(
        sealed, plain, out, "--grant-imports", "--grant", "wasi:keyvalue/store{get,set} bucket=d*",
        "--version", "1.0", "--revision", "3", "--tags", "a,b", "--expires", "90d", "--chain", chain,
    )  # fmt: skip
    assert signed.startswith(plain.read_bytes())
    assert sealed("verify", out).status == 0
    assert sealed("verify", out, "--trust", "account").status == 0
    assert sealed("verify", out, "--trust", public(sealed, "operator")).status == 0
    sealed("keys", "new", "account", "other")
    assert sealed("verify", out, "--trust", "other").status == 1
    facts = json.loads(sealed("inspect", out, "-o", "json").out)["signature"]
    assert facts["state"] == "valid" and facts["issuer"] == public(sealed, "account")
    assert facts["revision"] == 3 and facts["tags"] == ["a", "b"]
    assert facts["account"] == {"operator": public(sealed, "operator"), "name": "team", "issuedAt": facts["account"]["issuedAt"]}
    assert "wasi:keyvalue/store{get,set} bucket=d*" in facts["grants"] and "wasi:http/types" in facts["grants"]
    text = sealed("inspect", out).out
    assert "signature: valid" in text and "get, set of wasi:keyvalue/store; bucket d*" in text
    # Signing again replaces.
    again = sign(sealed, out, out)
    assert again.startswith(plain.read_bytes()) and again.count(b"wasmcloud_jwt") == 1
    assert json.loads(sealed("verify", out, "-o", "json").out)["grants"] == []


def test_what_is_not_valid_is_said(sealed, guests, tmp_path):
    out = tmp_path / "x.wasm"
    finished = sealed("verify", guests / "c-hello.wasm")
    assert finished.status == 1 and "it is not signed" in finished.err
    sign(sealed, guests / "c-hello.wasm", out, "--not-before", "1d")
    finished = sealed("verify", out)
    assert finished.status == 1 and "not valid yet" in finished.err
    signed = sign(sealed, guests / "c-hello.wasm", out)
    for at in random.Random(3).sample(range(len(signed)), 40):
        changed = bytearray(signed)
        changed[at] ^= 1 << at % 8
        out.write_bytes(changed)
        finished = sealed("verify", out)
        assert finished.status == 1 and finished.err.startswith("error: "), (at, finished)
    for bad in ["wasi:keyvalue/store{", "wasi:keyvalue topic=a", "nonsense"]:
        assert sealed("sign", guests / "c-hello.wasm", "--issuer", "account", "--grant", bad, "-o", out).status == 2
    assert sealed("sign", guests / "c-hello.wasm", "--issuer", "operator", "-o", out).status == 2


# --- together with wasmCloud's own library


def test_keys_are_the_same(sealed, wascap, tmp_path):
    for line in wascap("keys").stdout.splitlines():
        seed, key = line.split()
        (tmp_path / "seed.nk").write_text(seed + "\n")
        (tmp_path / "seed.nk").chmod(0o600)
        assert public(sealed, tmp_path / "seed.nk") == key


@pytest.mark.parametrize("guest", ["c-hello", "cpp-counter", "core-preview1", "js-feed", "empty"])
def test_they_sign_and_we_verify(sealed, wascap, guests, tmp_path, guest):
    seeds = [sealed("keys", "show", name, "--secret").out.strip() for name in ["account", "component"]]
    out = tmp_path / "out.wasm"
    signed = wascap("sign", guests / f"{guest}.wasm", out, "orders", *seeds, 30)
    assert signed.returncode == 0, signed
    facts = json.loads(sealed("verify", out, "-o", "json").out)
    assert facts["state"] == "valid", facts
    assert facts["issuer"] == public(sealed, "account") and facts["subject"] == public(sealed, "component")
    assert (facts["name"], facts["version"], facts["revision"]) == ("orders", "0.4.0", 4)
    assert facts["tags"] == ["one", "two"] and "grants" not in facts


@pytest.mark.parametrize("guest", ["c-hello", "cpp-counter", "core-preview1", "js-feed", "empty"])
def test_we_sign_and_they_verify(sealed, wascap, guests, tmp_path, guest):
    out = tmp_path / "out.wasm"
    signed = sign(
        sealed, guests / f"{guest}.wasm", out, "--name", "orders", "--version", "2.1", "--revision", "9",
        "--tags", "x,y", "--expires", "2099-01-31", "--grant", "wasi:keyvalue access=read",
    )  # fmt: skip
    seen = wascap("verify", out)
    assert seen.returncode == 0, seen
    facts = dict(line.split(" ", 1) for line in seen.stdout.splitlines())
    assert facts["issuer"] == public(sealed, "account") and facts["subject"] == public(sealed, "component")
    assert (facts["name"], facts["version"], facts["revision"], facts["tags"]) == ("orders", "2.1", "9", "x,y")
    assert facts["expires"] == "4073500800"
    # It notices a change of ours, and the grants, which it does not know, are covered by what it checks.
    out.write_bytes(signed.replace(b"access=read", b"access=reae"))
    assert wascap("verify", out).returncode != 0


def test_an_operators_word_is_theirs_too(sealed, wascap):
    token = sealed("keys", "vouch", "account", "--issuer", "operator", "--name", "team").out.strip()
    seen = wascap("account", token)
    assert seen.returncode == 0, seen
    assert f"issuer {public(sealed, 'operator')}" in seen.stdout and "name team" in seen.stdout


# --- diff


def test_diff_shows_what_a_reviewer_has_to_know(sealed, guests, tmp_path):
    counter, narrow, wide = guests / "cpp-counter.wasm", tmp_path / "narrow.wasm", tmp_path / "wide.wasm"
    sign(sealed, counter, narrow, "--grant-imports", "--grant", "wasi:keyvalue/store{get} bucket=counts-*")
    sign(sealed, counter, wide, "--grant-imports", "--grant", "wasi:keyvalue/store")

    more = sealed("diff", narrow, wide, "--strict")
    assert more.status == 1, more
    assert "  - get of wasi:keyvalue/store; bucket counts-*\n  + wasi:keyvalue/store: all of it\n" in more.out
    assert more.out.endswith("it needs no more of its host, gives all it gave, and may do more\n")
    assert f"signed by {public(sealed, 'account')}" in more.out
    assert sealed("diff", narrow, wide).status == 0  # said, not judged

    # A claim that is lost, or broken, lets it do what the host allows.
    assert "+ anything that its host allows" in sealed("diff", narrow, counter).out
    broken = tmp_path / "broken.wasm"
    broken.write_bytes(narrow.read_bytes() + b"\0\2\1x")
    assert sealed("diff", narrow, broken, "--strict").status == 1
    assert "broken claims" in sealed("diff", narrow, broken).out

    less = sealed("diff", counter, narrow, "--strict", "-o", "json")
    assert less.status == 0, less
    report = json.loads(less.out)
    assert (report["needsMore"], report["givesLess"], report["mayDoMore"]) == (False, False, False)
    assert report["imports"] == report["exports"] == []
    assert sealed("diff", narrow, narrow).out.endswith("the same file\n")


def test_diff_of_interfaces(call, guests, tmp_path):
    counter, pricing = guests / "cpp-counter.wasm", guests / "shop-pricing.wasm"
    finished = call("diff", pricing, counter, "--strict")
    assert finished.status == 1, finished
    assert "\n  - wasi:config/store@0.2.0-rc.1\n      - get: func(" in finished.out
    assert "\n  + wasi:keyvalue/atomics@0.2.0-draft\n      + increment: func(" in finished.out
    assert "\n  - shop:pricing/prices@1.0.0\n      - quote: func(" in finished.out
    assert "needs more of its host, gives less than before" in finished.out
    report = json.loads(call("diff", pricing, counter, "-o", "json").out)
    (config,) = [item for item in report["imports"] if item["name"].startswith("wasi:config")]
    assert (config["before"], config["after"]) == (True, False)
    assert report["needsMore"] and report["givesLess"] and not report["mayDoMore"]

    missing = call("diff", counter, tmp_path / "none.wasm")
    assert missing.status == 1 and "none.wasm" in missing.err
    (tmp_path / "text.wasm").write_text("no component")
    assert "no WebAssembly file" in call("diff", tmp_path / "text.wasm", counter).err
    assert call("diff", counter).status == 2


# --- running


@pytest.fixture
def files(sealed, guests, tmp_path):
    """The same component, unsigned and in every state of a seal."""
    command = guests / "rust-cli.wasm"
    (tmp_path / "unsigned.wasm").write_bytes(command.read_bytes())
    sign(sealed, command, tmp_path / "valid.wasm")
    sign(sealed, command, tmp_path / "expired.wasm", "--not-before", "2026-01-01", "--expires", "2026-01-02")
    sign(sealed, command, tmp_path / "early.wasm", "--not-before", "2100-01-01")
    flipped = bytearray((tmp_path / "valid.wasm").read_bytes())
    flipped[len(flipped) // 2] ^= 1
    (tmp_path / "broken.wasm").write_bytes(flipped)
    return tmp_path


@pytest.mark.parametrize("name, why", [("broken", "changed"), ("expired", "expired"), ("early", "not valid")])
def test_a_seal_that_does_not_hold_is_never_run(sealed, files, name, why):
    for flags in [], ["--require-signed"], ["--trust", "account"]:
        finished = sealed("run", files / f"{name}.wasm", *flags)
        assert finished.status == 1 and finished.out == "", finished
        assert f"{name}.wasm: " in finished.err and why in finished.err


def test_what_is_asked_of_a_seal(sealed, files):
    for flags in [], ["--require-signed"], ["--trust", "account"], ["--trust", public(sealed, "account")]:
        assert sealed("run", files / "valid.wasm", *flags).status == 0
    assert sealed("run", files / "unsigned.wasm").status == 0
    for flags in ["--require-signed"], ["--trust", "account"]:
        finished = sealed("run", files / "unsigned.wasm", *flags)
        assert finished.status == 1 and "it is not signed" in finished.err, finished
    assert sealed("keys", "new", "account", "another").status == 0
    finished = sealed("run", files / "valid.wasm", "--trust", "another")
    assert finished.status == 1 and "neither its issuer nor an operator of it is trusted" in finished.err, finished
    assert sealed("run", files / "valid.wasm", "--trust", "nobody").status == 1
    assert "--trust" in sealed("run", files / "valid.wasm", "--trust", "nobody").err


def test_an_application_runs_what_is_trusted_alone(sealed, app, guests, tmp_path):
    """Also what is swapped in later, or was there before."""
    good, bad = tmp_path / "good.wasm", tmp_path / "bad.wasm"
    sign(sealed, guests / "c-hello.wasm", good)
    bad.write_bytes(good.read_bytes() + b"\0\2\1x")
    app.write(f"components: {{hello: {good}}}\nroutes: [{{path: /, to: hello}}]\n")
    host = app.up("--trust", public(sealed, "account"))
    assert host.get("/").status == 200
    for file, why in [(guests / "c-hello.wasm", "it is not signed"), (bad, "as they were signed")]:
        refused = app.run("swap", "hello", file)
        assert refused.status == 1 and why in refused.err, refused
        assert host.get("/").status == 200
    host.stop()
    app.write(f"components: {{hello: {guests / 'c-hello.wasm'}}}\nroutes: [{{path: /, to: hello}}]\n")
    refused = app.run("up", "--listen", "127.0.0.1:0", "--require-signed")
    assert refused.status == 1 and "it is not signed" in refused.err, refused


# --- what claims grant


def counter_with(sealed, guests, tmp_path, *grants):
    out = tmp_path / f"counter-{abs(hash(grants))}.wasm"
    sign(sealed, guests / "cpp-counter.wasm", out, *(part for grant in grants for part in ("--grant", grant)))
    return out


@pytest.mark.parametrize(
    "grants, counts, starts_over",
    [
        (["wasi:keyvalue"], True, True),
        (["wasi:keyvalue bucket=default"], True, True),
        (["wasi:keyvalue bucket=def*,other"], True, True),
        (["wasi:keyvalue/atomics{increment} bucket=default"], True, False),
        (["wasi:keyvalue/store{delete} bucket=default"], False, True),
        (["wasi:keyvalue/store{bucket.delete} bucket=default", "wasi:keyvalue/atomics bucket=other"], False, True),
        (["wasi:keyvalue access=write bucket=default"], False, True),
        (["wasi:keyvalue access=read bucket=default"], False, False),
        (["wasi:keyvalue bucket=other"], False, False),
        (["wasi:http/types"], False, False),
        ([], False, False),
    ],
)
def test_calls_that_are_not_granted_are_refused(serve, sealed, guests, tmp_path, grants, counts, starts_over):
    """In the contract's own words: the component answers that it could not, and the host says why."""
    log = tmp_path / "audit"
    server = serve(counter_with(sealed, guests, tmp_path, *grants), "--audit-log", log)
    counted, deleted = server.get("/a"), server.request("DELETE", "/a")
    assert (counted.status == 200, deleted.status < 300) == (counts, starts_over), (counted, deleted)
    if "wasi:keyvalue" not in " ".join(grants):
        assert eventually(lambda: "its claims grant nothing of wasi:keyvalue/store@0.2.0-draft, wasi:keyvalue/atomics" in server.log)
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert bool(entries) == (not counts or not starts_over), entries
    for entry in entries:
        assert entry["contract"].startswith("wasi:keyvalue/") and entry["about"] == "default", entry
        assert entry["component"].startswith("counter-") and "its claims grant" in entry["reason"]
        line = f"denied: {entry['contract']}#{entry['function']} 'default': {entry['reason']}"
        assert eventually(lambda: line in server.log), line


def test_what_has_no_word_for_it_traps(serve, sealed, guests, tmp_path):
    """wasi:logging answers nothing; the others that are served go on."""
    out = tmp_path / "spellings.wasm"
    sign(sealed, guests / "spellings.wasm", out, "--grant", "wasi:keyvalue", "--grant", "wasi:config")
    server = serve(out)
    assert server.get("/log").status == 500
    said = re.compile(r"access denied: wasi:logging/logging(@\S+)?#log: its claims grant nothing of wasi:logging")
    assert eventually(lambda: said.search(server.log)), server.log
    assert server.get("/config").status == 200


def test_grants_do_not_flow_through_a_link(app, sealed, guests, tmp_path):
    """What a component may do is what it was granted itself, whoever calls it, and whomever it may call."""
    granted = {
        "front": ["shop:pricing", "shop:totals", "wasmcloud:messaging"],
        "pricing": ["wasi:config"],
        "totals": ["wasi:keyvalue", "wasmcloud:messaging"],
    }
    text = (ROOT / "examples/shop/unbolt.yaml").read_text()
    for name, grants in granted.items():
        out = tmp_path / f"{name}.wasm"
        sign(sealed, guests / f"shop-{name}.wasm", out, *(part for grant in grants for part in ("--grant", grant)))
        text = text.replace(f"../../build/guests/shop-{name}.wasm", str(out))
    app.write(text)
    host = app.up("--require-signed", "--audit-log", tmp_path / "audit")

    def order():
        return host.request("POST", "/orders", body=b"apple 1").status

    assert (order(), host.get("/").status) == (202, 200), host.log
    # `totals` may not read the store any more; that its caller was granted everything does not help.
    sign(sealed, guests / "shop-totals.wasm", tmp_path / "totals.wasm", "--grant", "wasmcloud:messaging", "--grant", "wasi:http")
    assert app.run("swap", "totals", tmp_path / "totals.wasm").status == 0
    assert host.get("/").status >= 500
    # Nor may a caller call what it was not granted itself.
    sign(sealed, guests / "shop-front.wasm", tmp_path / "front.wasm", "--grant", "shop:totals")
    assert app.run("swap", "front", tmp_path / "front.wasm").status == 0
    assert order() == 422  # the contract has an error of its own, a text
    refused = {(entry["component"], entry["contract"].split("@")[0]) for entry in map(json.loads, (tmp_path / "audit").read_text().splitlines())}
    assert {("totals", "wasi:keyvalue/store"), ("front", "shop:pricing/prices")} <= refused, refused


def test_what_operators_grant_is_cut_down(call, sealed, guests, tmp_path):
    """Variables and folders: those that both grant."""
    flags = ["--env", "APP_A=1", "--env", "SECRET=2"]
    out = tmp_path / "cli.wasm"
    for grants, seen in [(["wasi:cli"], {"APP_A", "SECRET"}), (["wasi:cli env=APP_*"], {"APP_A"}), (["wasi:io"], set())]:
        sign(sealed, guests / "rust-cli.wasm", out, *(part for grant in grants for part in ("--grant", grant)))
        finished = sealed("run", *flags, out)
        assert finished.status == 0, finished
        assert set(re.findall(r"^variable (\w+)=", finished.out, re.MULTILINE)) == seen, finished


def test_folders_are_cut_down(serve, sealed, guests, tmp_path):
    data = tmp_path / "data"
    (data / "in").mkdir(parents=True)
    (data / "in" / "a.txt").write_text("one")
    (data / "b.txt").write_text("two")
    out = tmp_path / "files.wasm"
    for grants, statuses in [
        (["wasi:filesystem"], (200, 200, 201)),
        (["wasi:filesystem access=read"], (200, 200, 403)),
        (["wasi:filesystem dir=/data/in"], (200, 404, 201)),  # where it sees the files of `in` alone
        (["wasi:filesystem access=read dir=/data/in"], (200, 404, 403)),
        (["wasi:filesystem dir=/other"], (503, 503, 503)),  # no folder at all
        (["wasi:io"], (503, 503, 503)),
    ]:
        sign(sealed, guests / "rust-files.wasm", out, *(part for grant in grants for part in ("--grant", grant)))
        server = serve(out, "--dir", f"{data}::/data")
        inside = "/a.txt" if "dir=/data/in" in grants[0] else "/in/a.txt"
        answers = [server.get(inside), server.get("/b.txt"), server.request("PUT", f"/{len(grants[0])}.txt", body=b"three")]
        assert tuple(answer.status for answer in answers) == statuses, (grants, answers)
        server.stop()
