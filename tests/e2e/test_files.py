"""wasi:filesystem: what a granted folder gives, what is refused, and that nothing leaves it.

The guest `files` does one operation an argument and prints what came of it.
"""

import os
import resource
import shutil
import stat
import subprocess
import threading
import urllib.parse

import pytest

from conftest import PATIENCE, SANITIZED, error_line


class Guest:
    """Runs operations on folders; `files("open|0|x|read", …)` gives one line for each, after those of the preopens."""

    def __init__(self, call, guests):
        self.call, self.guests = call, guests

    def __call__(self, *operations, dirs, **options):
        grants = [part for grant in dirs for part in ("--dir", grant)]
        finished = self.call("run", self.guests / "files.wasm", *grants, "--", *operations, **options)
        assert finished.status == 0, finished
        lines = finished.out.splitlines()
        assert lines[0].startswith("preopens"), finished
        assert len(lines) == 1 + len(operations), finished
        return lines[1:]


class CgiGuest:
    """The same guest behind a server, where files wait on threads and not on the loop."""

    def __init__(self, serve):
        self.serve = serve

    def __call__(self, *operations, dirs, **_):
        grants = [part for grant in dirs for part in ("--dir", grant)]
        server = self.serve("files.wasm", "--cgi", *grants)
        query = "&".join(urllib.parse.quote(operation, safe="") for operation in operations)
        response = server.get("/?" + query)
        assert response.status == 200, (response, server.log)
        lines = response.text.splitlines()
        assert len(lines) == 1 + len(operations), (lines, server.log)
        return lines[1:]


@pytest.fixture(params=["command", "server"])
def files(request, call, guests, serve):
    """A command makes blocking calls on its own loop; behind a server they go to threads."""
    return Guest(call, guests) if request.param == "command" else CgiGuest(serve)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "granted"
    path.mkdir()
    return path


def test_a_file_is_made_written_and_read(files, folder):
    lines = files(
        "open|0|note|create,write,read", "output|1|0", "put|2|hello ", "put|2|world", "read|1|100|6", "stat|1",
        "input|1|0", "get|3|5", "get-now|3|100", "get|3|1", "put|2|!", "get|3|100", "type|1", "flags|1",
        dirs=[f"{folder}::/"],
    )  # fmt: skip
    assert lines == [
        "ok 1", "ok 2", "ok ", "ok ", "ok world more", lines[5], "ok 3", "ok hello", "ok  world", "closed", "ok ",
        "ok !", "ok RegularFile", "ok read,write",
    ]  # fmt: skip
    assert (folder / "note").read_text() == "hello world!"


def test_reading_goes_on_where_a_file_has_grown(files, folder):
    lines = files(
        "open|0|note|create,write,read", "output|1|0", "put|2|ab", "input|1|0", "get|3|10", "get|3|10", "put|2|cd",
        "get|3|10", "read|1|10|4", "skip|3|1",
        dirs=[f"{folder}::/"],
    )  # fmt: skip
    assert lines[4:] == ["ok ab", "closed", "ok ", "ok cd", "ok  end", "closed"]


def test_writing_at_places_appending_and_sizes(files, folder):
    lines = files(
        "open|0|f|create,write,read", "write|1|XY|3", "read|1|9|0", "append|1", "put|2|end", "output|1|1", "put|3|ab",
        "read|1|99|0", "set-size|1|4", "read|1|99|0", "zeroes|3|3", "stat|1", "write|1|far|4294967296", "stat|1",
        "set-size|1|9223372036854775808", "write|1|x|18446744073709551615", "read|1|1|18446744073709551615",
        dirs=[f"{folder}::/"],
    )  # fmt: skip
    assert lines[1] == "ok 2" and lines[2] == "ok \0\0\0XY more"
    assert lines[7] == "ok \0ab" + "XYend more"
    assert lines[9] == "ok \0abX more"
    assert "size=6" in lines[11] and "size=4294967299" in lines[13]
    assert lines[14:] == ["file-too-large", "file-too-large", "invalid"]


def test_folders_links_and_names(files, folder):
    lines = files(
        "mkdir|0|a", "mkdir|0|a/b", "mkdir|0|a", "open|0|a/b/f|create,write", "symlink|0|b/f|a/s", "readlink|0|a/s",
        "link|0|a/b/f|0|hard", "same|1|1", "stat-at|0|a/s", "stat-at|0|a/s|follow", "rename|0|a|0|z", "list|0",
        "list|1", "rmdir|0|z", "unlink|0|z/b/f", "unlink|0|z/s", "rmdir|0|z/b", "rmdir|0|z/", "unlink|0|hard", "list|0",
        "unlink|0|nothing", "readlink|0|.", "rmdir|0|.", "mkdir|0|",
        dirs=[f"{folder}::/"],
    )  # fmt: skip
    assert lines[:7] == ["ok ", "ok ", "exist", "ok 1", "ok ", "ok b/f", "ok "]
    assert lines[8].startswith("ok SymbolicLink") and lines[9].startswith("ok RegularFile links=2")
    assert lines[11] == "ok hard=RegularFile z=Directory"
    assert lines[12:20] == ["not-directory", "not-empty", "ok ", "ok ", "ok ", "ok ", "ok ", "ok "]
    assert lines[20:] == ["no-entry", "invalid", "invalid", "no-entry"]


def test_how_a_file_is_opened(files, folder):
    (folder / "f").write_text("content")
    (folder / "d").mkdir()
    (folder / "l").symlink_to("f")
    lines = files(
        "open|0|f|create,exclusive,write", "open|0|f|directory", "open|0|d|write", "open|0|l|read",
        "open|0|l|read,follow", "open|0|f/|read", "open|0|none|read", "open|0|d|create,directory", "open|0|d",
        "flags|9", "open|0|f|write", "read|10|1|0", "input|10|0", "open|0|f|read", "write|12|x|0", "output|12|0",
        "open|0|f|truncate,read", "read|14|9|0", "set-size|14|9", "input|0|0", "read|0|1|0", "open|10|x|read",
        dirs=[f"{folder}::/"],
    )  # fmt: skip
    assert lines == [
        "exist", "not-directory", "is-directory", "loop",
        "ok 5", "not-directory", "no-entry", "invalid", "ok 9",
        "ok read,mutate", "ok 10", "bad-descriptor", "bad-descriptor", "ok 12", "bad-descriptor", "bad-descriptor",
        "ok 14", "ok  end", "invalid", "is-directory", "is-directory", "not-directory",
    ]  # fmt: skip


def test_times(files, folder):
    (folder / "f").write_text("x")
    (folder / "l").symlink_to("f")
    lines = files(
        "open|0|f|write", "set-times|1|keep|1000.5", "stat|1", "set-times-at|0|l|keep|2000|follow", "stat|1",
        "set-times-at|0|l|keep|3000.7", "stat|1", "stat-at|0|l", "set-times|1|now|keep", "stat|1",
        "set-times|1|keep|5.1000000000", "set-times-at|0|.|keep|77", "stat|0",
        dirs=[f"{folder}::/"],
    )  # fmt: skip
    assert lines[2].endswith("modified=1000.5")
    assert lines[4].endswith("modified=2000.0") and lines[6].endswith("modified=2000.0")
    assert lines[7].endswith("modified=3000.7") and lines[9].endswith("modified=2000.0")
    assert lines[10] == "invalid" and lines[12].endswith("modified=77.0")
    os.utime(folder / "f", (-100, -100))
    assert files("stat-at|0|f", dirs=[f"{folder}::/"])[0].endswith("modified=none")


def test_identity_and_the_rest(files, folder):
    (folder / "f").write_text("x")
    os.link(folder / "f", folder / "g")
    (folder / "other").write_text("x")
    lines = files(
        "open|0|f|read", "open|0|g|read,write", "open|0|other|read", "same|1|2", "same|1|3", "hash|1", "hash|2",
        "hash-at|0|f", "hash|3", "write|2|longer content|0", "hash|1", "sync|2", "sync-data|2", "advise|2|0|100",
        "advise|0|0|1", "sync|0",
        dirs=[f"{folder}::/"],
    )  # fmt: skip
    assert lines[3:5] == ["ok true", "ok false"]
    assert lines[5] == lines[6] == lines[7] == lines[10] != lines[8]
    assert lines[11:] == ["ok ", "ok ", "ok ", "bad-descriptor", "ok "]


def test_nothing_leaves_a_folder(files, folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (folder / "a").mkdir()
    (folder / "file").write_text("inside")
    for name, target in {
        "absolute": outside / "secret",
        "relative": "../outside/secret",
        "folder": "../outside",
        "chain": "folder/secret",
        "proc": "/proc/self/root",
        "parent": "..",
        "dangling": "../outside/new",
    }.items():
        (folder / name).symlink_to(target)
    escapes = [
        "..", "../outside/secret", "a/../../outside/secret", str(outside / "secret"), "/", "/etc/passwd", "absolute",
        "relative", "folder/secret", "chain", "proc/etc/passwd", "parent/outside/secret", "a/../parent/outside/secret",
    ]  # fmt: skip
    operations = []
    for path in escapes:
        operations += [
            f"open|0|{path}|read,follow", f"open|0|{path}|write,create,follow", f"stat-at|0|{path}|follow",
            f"set-times-at|0|{path}|now|now|follow", f"hash-at|0|{path}|follow",
        ]  # fmt: skip
    through = ["../x", "folder/x", "parent/x", "/tmp/x", "a/../../x", "proc/x"]
    for path in through:
        operations += [
            f"mkdir|0|{path}", f"unlink|0|{path}", f"rmdir|0|{path}", f"symlink|0|t|{path}", f"readlink|0|{path}",
            f"rename|0|file|0|{path}", f"rename|0|{path}|0|y", f"link|0|file|0|{path}", f"link|0|{path}|0|y",
        ]  # fmt: skip
    operations += [
        "open|0|dangling|create,write,follow", "symlink|0|/etc/passwd|mine", "readlink|0|absolute",
        "link|0|relative|0|y|follow", "link|0|absolute|0|copy-of-link",
    ]  # fmt: skip
    lines = files(*operations, dirs=[f"{folder}::/"])
    refused = dict(zip(operations, lines))
    for operation, line in list(refused.items())[:-2]:
        assert line == "not-permitted", operation
    assert refused["link|0|relative|0|y|follow"] == "invalid"
    assert os.listdir(outside) == ["secret"] and (outside / "secret").read_text() == "secret"
    # A second name of the link itself is a link, and leads as little outside.
    assert files("open|0|copy-of-link|read,follow", dirs=[f"{folder}::/"]) == ["not-permitted"]


def test_what_was_opened_stays_within_itself(files, folder):
    """The parent of a folder that was opened is out of its reach, although it was granted."""
    (folder / "a").mkdir()
    (folder / "file").write_text("x")
    assert files("open|0|a|directory", "open|1|../file|read", "open|1|..|read", dirs=[f"{folder}::/"])[1:] == [
        "not-permitted",
        "not-permitted",
    ]


def test_a_folder_that_may_only_be_read(files, folder, tmp_path):
    (folder / "f").write_text("content")
    (folder / "d").mkdir()
    (folder / "l").symlink_to("f")
    work = tmp_path / "work"
    work.mkdir()
    (work / "mine").write_text("mine")
    lines = files(
        "open|0|f|read", "read|2|9|0", "flags|0", "flags|1", "list|0", "readlink|0|l", "stat-at|0|f",
        "open|0|f|write", "open|0|new|create", "open|0|f|truncate,read", "open|0|d|mutate,directory", "mkdir|0|x",
        "unlink|0|f", "rmdir|0|d", "symlink|0|f|x", "rename|0|f|0|g", "rename|0|f|1|g", "rename|1|mine|0|mine",
        "link|0|f|1|alias", "link|1|mine|0|alias", "set-times|2|now|now", "set-times-at|0|f|now|now", "set-size|2|0",
        "write|2|x|0", "output|2|0", "append|2", "open|0|d|directory", "open|9|x|create,write",
        dirs=[f"{folder}::/data:ro", f"{work}::/work"],
    )  # fmt: skip
    assert lines[:7] == [
        "ok 2", "ok content more", "ok read", "ok read,mutate",
        "ok d=Directory f=RegularFile l=SymbolicLink", "ok f", lines[6],
    ]  # fmt: skip
    assert lines[7:26] == ["not-permitted"] * 19 and lines[26:] == ["ok 9", "not-permitted"]
    assert (folder / "f").read_text() == "content" and sorted(os.listdir(folder)) == ["d", "f", "l"]
    assert os.listdir(work) == ["mine"]


def test_without_a_grant_there_is_no_folder(call, guests):
    finished = call("run", guests / "files.wasm")
    assert finished.out == "preopens \n" and finished.status == 0


def test_folders_that_cannot_be_granted(call, guests, tmp_path):
    (tmp_path / "file").write_text("x")
    missing = call("run", guests / "files.wasm", "--dir", f"{tmp_path}/missing::/")
    assert missing.status == 1 and "missing': No such file or directory" in error_line(missing)
    file = call("run", guests / "files.wasm", "--dir", f"{tmp_path}/file::/")
    assert file.status == 1 and "Not a directory" in error_line(file)
    for bad in ["", "::", "::/x", f"{tmp_path}::", ":ro"]:
        finished = call("run", guests / "files.wasm", "--dir", bad)
        assert finished.status == 2 and "HOST::GUEST[:ro]" in error_line(finished), bad
    twice = call("run", guests / "files.wasm", "--dir", f"{tmp_path}::/x", "--dir", f"{tmp_path}::/x")
    assert twice.status == 2 and "already a folder at '/x'" in error_line(twice)


def test_names_that_are_no_utf8(files, folder):
    (folder / "good").write_text("x")
    with open(os.fsencode(folder) + b"/bad\xff", "w"):
        pass
    os.symlink(b"to\xff", os.fsencode(folder) + b"/l")
    lines = files("list|0", "readlink|0|l", "open|0|bad\u00ff|read", dirs=[f"{folder}::/"])
    assert lines == ["ok !illegal-byte-sequence good=RegularFile l=SymbolicLink", "illegal-byte-sequence", "no-entry"]


def test_pipes_devices_and_sockets(files, folder):
    """Opening a pipe waits for nobody, and reading it does not hold anything up."""
    os.mkfifo(folder / "pipe")
    writer = threading.Timer(0.3, lambda: (folder / "pipe").write_text("through the pipe"))
    writer.daemon = True  # it waits for a reader for ever where the guest has failed
    writer.start()
    lines = files(
        "open|0|pipe|read,write", "type|1", "stat|1", "input|1|0", "output|1|0", "put|3|to myself", "get|2|100",
        "set-size|1|3", "read|1|1|0",
        dirs=[f"{folder}::/"],
    )  # fmt: skip
    writer.join(10)
    assert lines[1] == "ok Fifo" and lines[6].startswith("ok t")
    assert lines[8] in ("invalid-seek", "would-block")


def test_a_full_disk(call, guests, files, folder):
    """A file system with a few pages: the guest hears `insufficient-space`, and what went before is there."""
    if os.geteuid() != 0 or subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True
    ).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        lines = files(
            "open|0|f|create,write", "output|1|0", "fill|2", "put|2|more", "stat|1", "sync|1", dirs=[f"{folder}::/"]
        )
        assert lines[2] == "ok 65536 insufficient-space" and lines[3] == "insufficient-space"
        assert "size=65536" in lines[4]
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_file_as_large_as_the_system_allows(folder, guests, unbolt):
    """Beyond RLIMIT_FSIZE the system sends a signal; the host turns it into an error of the write."""
    process = subprocess.run(
        [unbolt, "run", guests / "files.wasm", "--dir", f"{folder}::/", "--", "open|0|f|create,write", "output|1|0",
         "fill|2", "stat|1"],
        capture_output=True, text=True, timeout=30 * PATIENCE,
        env={**os.environ, "XDG_CACHE_HOME": str(folder.parent / "cache")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, resource.RLIM_INFINITY)),
    )  # fmt: skip
    assert process.returncode == 0, process
    assert process.stdout.splitlines()[3] == "ok 19996672 file-too-large", process


def test_too_many_open_files(files, folder):
    (folder / "f").write_text("x")
    lines = files("open-many|0|f|2000", "stat-at|0|f", "open|0|f|read", dirs=[f"{folder}::/"])
    assert lines[0] == "ok 1024 insufficient-memory"
    assert lines[1].startswith("ok") and lines[2] == "insufficient-memory"


def test_a_hundred_thousand_streams(files, folder):
    (folder / "f").write_text("x" * 10)
    assert files("open|0|f|read", "input-many|1|100000", "get|9|9", "stat|1", dirs=[f"{folder}::/"])[1:3] == [
        "ok 100000",
        "ok xxx",
    ]


def test_many_streams_do_not_hold_what_they_read(unbolt, guests, folder):
    """Each of 20,000 streams has read 64 KiB, and is kept: in the host they share one buffer."""
    (folder / "f").write_bytes(b"x" * 70_000)
    process = subprocess.Popen(
        [unbolt, "run", guests / "files.wasm", "--dir", f"{folder}::/", "--", "open|0|f|read", "read-many|1|20000"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process.stdout:
        said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0 and said.splitlines()[2:] == ["ok 20000"], said
    assert SANITIZED or usage.ru_maxrss < 200 * 1024, usage  # KiB; as many buffers would be 1.2 GiB


def test_a_closed_folder_and_a_dropped_parent(files, folder):
    """What was opened outlives the descriptor it was opened from, as in POSIX."""
    (folder / "d").mkdir()
    (folder / "d/f").write_text("kept")
    lines = files(
        "open|0|d|directory", "open|1|f|read", "drop|1", "input|2|0", "drop|2", "get|3|9", "drop|0",
        dirs=[f"{folder}::/"],
    )  # fmt: skip
    assert lines[2:] == ["ok ", "ok 3", "ok ", "ok kept", "ok "]


def test_a_folder_that_is_removed_while_it_is_open(files, folder):
    lines = files("mkdir|0|d", "open|0|d|directory", "rmdir|0|d", "open|1|f|create,write", "list|1", "stat|1",
                  dirs=[f"{folder}::/"])  # fmt: skip
    assert lines[3:5] == ["no-entry", "ok "] and "links=0" in lines[5]


def test_a_file_that_shrinks_while_it_is_read(files, folder):
    (folder / "f").write_text("firstsecond")
    assert files("open|0|f|read,write", "truncate-while-reading|1", dirs=[f"{folder}::/"])[1] == "ok firs closed"


def test_copies_between_files(files, folder):
    content = os.urandom(3_000_001)
    (folder / "from").write_bytes(content)
    lines = files(
        "open|0|from|read", "open|0|to|create,write", "copy|1|2|65536", "open|0|spliced|create,write", "output|3|0",
        "input|1|0", "splice|4|5|50000", "splice|4|5|50000",
        dirs=[f"{folder}::/"],
    )  # fmt: skip
    assert lines[2] == "ok 3000001" and (folder / "to").read_bytes() == content
    assert lines[6] == "ok 50000" and (folder / "spliced").read_bytes() == content[:100_000]


def test_permissions_of_the_system_hold(files, folder):
    if os.geteuid() == 0:
        pytest.skip("root may read and write anything")
    (folder / "f").write_text("x")
    os.chmod(folder / "f", 0)
    assert files("open|0|f|read", dirs=[f"{folder}::/"]) == ["access"]


def test_new_files_have_the_usual_mode(files, folder):
    files("open|0|f|create,write", "mkdir|0|d", dirs=[f"{folder}::/"])
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(os.stat(folder / "f").st_mode) == 0o666 & ~umask
    assert stat.S_IMODE(os.stat(folder / "d").st_mode) == 0o777 & ~umask


def test_several_folders_in_order(call, guests, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    finished = call("run", guests / "files.wasm", "--dir", f"{tmp_path}/b::/second", "--dir", f"{tmp_path}/a::first/x")
    assert finished.out == "preopens /second first/x\n"
    shutil.rmtree(tmp_path / "a")
