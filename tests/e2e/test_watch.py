"""wasi:keyvalue/watcher: a component is told of the changes that another one makes."""

import sqlite3

import pytest

import servers
from conftest import eventually
from test_up import another_revision, number_of


def manifest(guests, store, watch="watch: [default]"):
    """A counter, and a watcher of its bucket that keeps what it is told of in a file of its own."""
    return f"""
name: watched
components:
  counter:
    image: {guests / "cpp-counter.wasm"}
    links: {{wasi:keyvalue: '{store}'}}
  watcher:
    image: {guests / "watcher.wasm"}
    {watch}
    links:
      wasi:keyvalue: {{'': '{store}', seen: 'sqlite:seen.db?synchronous=normal'}}
"""


class Seen:
    """What the watcher keeps."""

    def __init__(self, app):
        self.path = app.folder / "seen.db"

    def get(self, key):
        with sqlite3.connect(f"file:{self.path}?mode=ro", uri=True) as database:
            rows = database.execute("SELECT value FROM unbolt_kv WHERE bucket = CAST('seen' AS BLOB) AND key = ?",
                                    (key.encode(),)).fetchall()
        return rows[0][0].decode() if rows else None

    def sets(self):
        return int(self.get("sets") or 0)

    def becomes(self, last, least):
        """The last change that was told, of at least so many."""
        last = f"visits{last}"
        good = eventually(lambda: self.get("last") == last and self.sets() >= least, 20)
        assert good, (self.get("last"), self.sets(), "not", last, least)


@pytest.mark.parametrize("kind", ["memory", "sqlite", "redis", "postgres", "nats"])
def test_is_told_of_each_change(app, guests, start, kind):
    url = {
        "memory": lambda: "memory:",
        "sqlite": lambda: "sqlite:one.db",
        "redis": lambda: start(servers.Redis, "redis").url,
        "postgres": lambda: start(servers.Postgres, "pg").url,
        "nats": lambda: f"{start(servers.Nats, 'nats').url}/watched",
    }[kind]()
    app.write(manifest(guests, url))
    host, seen = app.up(), Seen(app)
    for count in range(1, 21):
        assert number_of(host.get("/a")) == count
    seen.becomes("/a=20", 1)  # several in quick succession may be told as one
    assert host.request("DELETE", "/a").status == 200
    assert eventually(lambda: seen.get("deletes") == "1", 20)
    assert app.component("watcher")["failed"] == 0


def test_a_new_revision_and_a_new_store_are_told(app, guests):
    app.write(manifest(guests, "memory:"))
    host, seen = app.up(), Seen(app)
    assert number_of(host.get("/a")) == 1
    seen.becomes("/a=1", 1)
    (app.folder / "next.wasm").write_bytes(another_revision(guests / "watcher.wasm", "next"))
    app.swap("watcher", "next.wasm")
    assert number_of(host.get("/a")) == 2
    seen.becomes("/a=2", 2)
    assert app.component("watcher")["calls"] == 1
    # Each on its way to the next store; of this one, nobody hears any more.
    app.swap("watcher", "wasi:keyvalue=sqlite:two.db")
    assert number_of(host.get("/a")) == 3
    app.swap("counter", "wasi:keyvalue=sqlite:two.db")
    assert number_of(host.get("/a")) == 1
    seen.becomes("/a=1", 3)


def test_ones_own_copy_is_not_told_and_that_of_another_is(app, guests):
    app.write(manifest(guests, "memory:"))
    host, seen = app.up(), Seen(app)
    for path in range(30):
        assert number_of(host.get(f"/{path}")) == 1
    seen.becomes("/29=1", 30)
    app.swap("watcher", "wasi:keyvalue=memory:next", "--copy")
    assert number_of(host.get("/b")) == 1  # in the old store, of which nobody hears any more
    assert seen.sets() == 30
    # What comes into a store that it watches it is told of, also when another one's copy brings it.
    app.swap("counter", "wasi:keyvalue=memory:next", "--copy", "--overwrite")
    assert number_of(host.get("/c")) == 1
    seen.becomes("/c=1", 30 + 30 + 1)
    before = seen.sets()
    assert number_of(host.get("/a")) == 1
    seen.becomes("/a=1", before + 1)
    assert seen.sets() == before + 1


def test_apply_begins_and_ends_watches(app, guests):
    app.write(manifest(guests, "memory:", ""))
    host, seen = app.up(), Seen(app)
    assert number_of(host.get("/a")) == 1
    app.write(manifest(guests, "memory:"))
    finished = app.run("apply", "--dry-run")
    assert "~ watcher: watched buckets\n    + watch  default\n" in finished.out, finished
    assert app.run("apply").status == 0
    assert number_of(host.get("/a")) == 2
    seen.becomes("/a=2", 1)
    host.kill()
    host = app.up()  # which knows of it
    assert number_of(host.get("/a")) == 1
    seen.becomes("/a=1", 2)
    app.write(manifest(guests, "memory:", ""))
    assert app.run("apply").status == 0
    assert number_of(host.get("/a")) == 2
    host.stop()
    assert seen.sets() == 2


def test_one_that_traps_or_loops_is_told_of_the_next(app, guests):
    app.write(manifest(guests, "memory:", "limits: {time: 300ms}\n    watch: [default]"))
    host, seen = app.up(), Seen(app)
    for path in ["/trap", "/loop", "/a"]:
        assert number_of(host.get(path)) == 1
    seen.becomes("/a=1", 1)
    assert app.component("watcher")["failed"] == 2


@pytest.mark.parametrize(
    "image, links, words",
    [
        ("cpp-counter", "{wasi:keyvalue: memory}", ["watches the bucket", "wasi:keyvalue/watcher@0.2.0-draft"]),
        ("watcher", "{wasi:keyvalue: {seen: memory}}", ["watches the bucket 'stock'", "no link"]),
    ],
)
def test_what_cannot_be_watched(app, guests, image, links, words):
    app.write(f"name: w\ncomponents:\n  w:\n    image: {guests / (image + '.wasm')}\n    links: {links}\n    watch: [stock]\n")
    finished = app.run("up", "--listen", "127.0.0.1:0")
    assert finished.status == 1
    for word in words:
        assert word in finished.err, finished
