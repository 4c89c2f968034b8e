"""`unbolt dev`: an edit is answered by the new code, and what goes wrong on the way. The compilers are real."""

import contextlib
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

from conftest import PATIENCE

FOLDER = pathlib.Path(__file__).resolve().parents[2]


class Dev:
    """A running `unbolt dev`, with all that it has printed."""

    def __init__(self, unbolt, project, state, *arguments, terminal=None, **environment):
        self.project = project
        self.output = ""
        self.process = subprocess.Popen(
            [unbolt, "dev", project, "--listen", "127.0.0.1:0", *arguments],
            stdin=terminal if terminal is not None else subprocess.DEVNULL,
            stdout=terminal if terminal is not None else subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "XDG_STATE_HOME": str(state), **environment},
            start_new_session=terminal is None,
        )
        self.source = None if terminal is not None else self.process.stdout.fileno()
        if self.source is not None:
            self.follow()

    def follow(self):
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with contextlib.suppress(OSError):
            while part := os.read(self.source, 65536):
                self.output += part.decode(errors="replace")

    def wait_for(self, text, seconds=30, after=0):
        """Until `text` (a regular expression) was printed behind the place `after`; the place behind it."""
        end = time.monotonic() + seconds * PATIENCE
        while not (match := re.compile(text).search(self.output, after)):
            assert time.monotonic() < end, f"no {text!r} in:\n{self.output[after:]}"
            assert self.process.poll() is None or re.search(text, self.output[after:]), self.output
            time.sleep(0.005)
        return match.end()

    @property
    def address(self):
        # A runtime of megabytes is compiled before it listens.
        self.wait_for(r"listening on http://[\d.:]+", seconds=120)
        return re.search(r"listening on (http://[\d.:]+)", self.output)[1]

    def get(self, path="/", data=None):
        try:
            with urllib.request.urlopen(self.address + path, data=data, timeout=20 * PATIENCE) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return f"{error.code}: {error.read().decode()}"

    def get_until(self, text, path="/", seconds=20):
        """Asks until the answer has `text` in it; how long that took."""
        begun = time.monotonic()
        while text not in (answer := self.get(path)):
            assert time.monotonic() - begun < seconds * PATIENCE, f"{answer!r} after:\n{self.output}"
            time.sleep(0.005)
        return time.monotonic() - begun

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=30 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@pytest.fixture
def dev(unbolt, tmp_path):
    running = []

    def start(project, *arguments, **environment):
        running.append(Dev(unbolt, project, tmp_path / "state", *arguments, **environment))
        return running[-1]

    yield start
    for one in running:
        one.process.kill()
        one.process.wait()


@pytest.fixture
def new(call, tmp_path):
    def make(language, kind="http", name="app"):
        made = call("new", tmp_path / name, "--lang", language, "--template", kind)
        assert made.status == 0, made
        return tmp_path / name

    return make


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("language, source", [("cpp", "main.cc"), ("c", "main.c")])
def test_from_nothing_to_an_answer_and_from_an_edit_to_the_new_code(dev, new, language, source):
    begun = time.monotonic()
    running = dev(new(language))
    running.get_until("Hello from app")
    first = time.monotonic() - begun

    edit(running.project / source, "Hello from app", "Moin from app")
    took = running.get_until("Moin from app")
    compile_time = float(re.findall(r"built in ([\d.]+) s", running.output)[-1])
    print(f"{language}: new to first answer {first:.2f} s, edit to new answer {took:.2f} s, of it the build {compile_time}")
    assert first < 10 * PATIENCE
    assert took < compile_time + 1 * PATIENCE
    running.wait_for("the new code answers")
    # Nothing that the build wrote began another one.
    time.sleep(0.3)
    assert running.output.count("built in") == 2, running.output
    assert running.stop() == 0


def test_a_failed_build_keeps_the_old_revision_and_shows_why(dev, new):
    running = dev(new("c"))
    running.get_until("Hello")
    edit(running.project / "main.c", "asprintf(", "asprintf(oops ")
    running.wait_for(r"main\.c:\d+:\d+: error: ")
    running.wait_for("the build failed with status 2; what was built before goes on serving")
    assert "Hello" in running.get()
    edit(running.project / "main.c", "asprintf(oops ", "asprintf(")
    edit(running.project / "main.c", "Hello", "Moin")
    running.get_until("Moin")


def test_the_first_build_may_fail_and_the_next_edit_heals_it(dev, new):
    project = new("c")
    edit(project / "main.c", "return (", "return oops (")
    running = dev(project)
    running.wait_for("nothing serves before app is built|the next edit builds again")
    edit(project / "main.c", "return oops (", "return (")
    running.get_until("Hello")


def test_links_are_made_and_data_stays(dev, new):
    running = dev(new("c", "keyvalue"))
    assert running.get("/a") == "/a was visited 1 times\n"
    assert running.get("/a") == "/a was visited 2 times\n"
    assert running.output.count("wasi:keyvalue -> sqlite:.unbolt/app-keyvalue.db") == 1
    edit(running.project / "main.c", "was visited", "was seen")
    running.get_until("was seen", "/b")
    assert running.get("/a") == "/a was seen 3 times\n"
    assert running.stop() == 0
    again = dev(running.project)
    assert again.get("/a") == "/a was seen 4 times\n"


def test_messages_reach_the_handler_and_its_log_the_terminal(dev, new):
    running = dev(new("c", "messages"))
    assert running.get("/", data=b"over here") == "published\n"
    running.wait_for(r"app +\| app\.posted: over here|app +\|.*over here")


def test_a_build_that_hangs_is_replaced_by_the_next_edit(dev, new):
    running = dev(new("c"))
    running.get_until("Hello")
    makefile = (running.project / "Makefile").read_text()
    (running.project / "Makefile").write_text(makefile.replace("build/app.wasm:", "all:\n\t@echo hangs; sleep 1000\n\nbuild/app.wasm:"))
    running.wait_for(r"\| hangs")
    assert "Hello" in running.get()
    edit(running.project / "main.c", "Hello", "Moin")
    running.wait_for("the build is begun anew")
    running.wait_for(r"\| hangs")
    (running.project / "Makefile").write_text(makefile)
    running.get_until("Moin")


def test_an_edit_while_the_build_runs_is_built_too(dev, tmp_path):
    project = tmp_path / "app"
    project.mkdir()
    (project / "text").write_text("one")
    shutil.copy(pathlib.Path(os.environ.get("UNBOLT_GUESTS", "build/guests")).resolve() / "c-hello.wasm", project / "hello.wasm")
    (project / "unbolt.yaml").write_text(
        "components: {app: {image: ./build/app.wasm, build: 'mkdir -p build; cat text; sleep 0.5; cp hello.wasm build/app.wasm'}}\n"
    )
    running = dev(project)
    running.wait_for(r"\| one")
    (project / "text").write_text("two")
    running.wait_for(r"\| two")
    running.wait_for("listening")
    assert running.get() == "hello\n"


def test_the_manifest_is_read_again(dev, new, guests):
    running = dev(new("c"))
    running.get_until("Hello")
    manifest = running.project / "unbolt.yaml"
    good = manifest.read_text()
    place = len(running.output)
    manifest.write_text(good + "oops: 1\n")
    running.wait_for("there is no field 'oops'", after=place)
    assert "Hello" in running.get()
    shutil.copy(guests / "c-hello.wasm", running.project / "other.wasm")
    manifest.write_text(good + "  other: ./other.wasm\nroutes: [{path: /, to: app}, {path: /other, to: other}]\n")
    running.get_until("hello\n", "/other")
    assert "Hello from app" in running.get("/")


def test_a_component_without_a_build_is_swapped_when_its_file_changes(dev, guests, tmp_path):
    project = tmp_path / "app"
    project.mkdir()
    shutil.copy(guests / "c-hello.wasm", project / "app.wasm")
    (project / "unbolt.yaml").write_text("components: {app: ./app.wasm}\n")
    running = dev(project)
    assert running.get() == "hello\n"
    shutil.copy(guests / "cpp-counter.wasm", project / "new.wasm")
    os.rename(project / "new.wasm", project / "app.wasm")
    running.get_until("was visited")


@pytest.mark.parametrize("language, source", [("c", "main.c"), ("cpp", "main.cc")])
def test_a_trap_is_shown_with_its_line(dev, new, language, source):
    project = new(language)
    text = (project / source).read_text()
    place = text.index("{\n", text.index(" handle(")) + 2
    (project / source).write_text(text[:place] + '  if (request' + (".path.size()" if language == "cpp" else "->path[1]") + " > 1) __builtin_trap();\n" + text[place:])
    running = dev(project)
    running.get_until("Hello")
    running.get("/trap")
    line = text[:place].count("\n") + 1
    running.wait_for(rf"app +\| error: .*unreachable")
    running.wait_for(rf"app +\|     0: handle.* at .*{source}:{line}:")


def test_two_in_one_folder(dev, new, unbolt, tmp_path):
    running = dev(new("c"))
    running.get_until("Hello")
    second = subprocess.run(
        [unbolt, "dev", running.project, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60
    )
    assert second.returncode == 1
    assert f"unbolt dev runs in '{running.project}' already: process {running.process.pid}, http://" in second.stderr
    assert "Hello" in running.get()


def test_a_folder_that_is_read_only(unbolt, new, tmp_path):
    project = new("c")
    project.chmod(0o555)
    try:
        # Root may write everywhere: then it is somebody else.
        command = [unbolt, "dev", project, "--listen", "127.0.0.1:0"]
        if os.geteuid() == 0:
            for parent in project.parents:
                if parent.stat().st_uid == 0 and parent != parent.parent and "pytest" in str(parent):
                    parent.chmod(parent.stat().st_mode | 0o755)
            command = ["setpriv", "--reuid=65534", "--clear-groups", *command]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert finished.returncode == 1, finished
        assert f"cannot write in '{project}': " in finished.stderr
        assert "work in a copy" in finished.stderr
    finally:
        project.chmod(0o755)


def test_no_project(call, tmp_path):
    finished = call("dev", tmp_path)
    assert finished.status == 1
    assert "unbolt new NAME" in finished.err


def test_a_port_that_is_taken(dev, new, call):
    running = dev(new("c"))
    running.get_until("Hello")
    other = new("c", name="other")
    finished = call("dev", other, "--listen", running.address.removeprefix("http://"))
    assert finished.status == 1
    assert "--listen 127.0.0.1:0" in finished.err


def test_no_colours_where_there_is_no_terminal(dev, new):
    running = dev(new("c"))
    running.get_until("Hello")
    assert "\x1b" not in running.output


@pytest.mark.parametrize("no_colour", ["", "1"])
def test_keys_in_a_terminal(unbolt, new, tmp_path, no_colour):
    project = new("c", "keyvalue")
    ours, theirs = pty.openpty()
    # Its own session, whose terminal this is.
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        os.login_tty(theirs) if hasattr(os, "login_tty") else login_tty(theirs)
        os.environ.update(XDG_STATE_HOME=str(tmp_path / "state"), NO_COLOR=no_colour, TERM="xterm")
        os.execv(unbolt, [str(unbolt), "dev", str(project), "--listen", "127.0.0.1:0"])
    os.close(theirs)
    output = b""

    def read_until(text):
        nonlocal output
        end = time.monotonic() + 30 * PATIENCE
        while text not in output:
            assert time.monotonic() < end, output
            output += os.read(ours, 65536)
        output = output[output.index(text) + len(text) :]

    try:
        read_until(b"q quit")
        read_until(b"listening on http://")
        address = output.split()[0].decode().split("\x1b")[0] if output.split() else ""
        os.write(ours, b"l")
        read_until(b"wasi:keyvalue -> sqlite:")
        os.write(ours, b"s")
        read_until(b"type [COMPONENT] CONTRACT=URL")
        os.write(ours, b"wasi:keyvalue=memory:\n")
        read_until(b"-> memory:")
        os.write(ours, b"l")
        read_until(b"wasi:keyvalue -> memory:")
        assert (b"\x1b[" in output) == (not no_colour) or not output.strip()
        os.write(ours, b"b")
        read_until(b"built in")
        os.write(ours, b"q")
        end = time.monotonic() + 30 * PATIENCE
        while (ended := os.waitpid(pid, os.WNOHANG))[0] == 0:
            assert time.monotonic() < end
            with contextlib.suppress(OSError):
                os.read(ours, 65536)
        pid = 0
        assert os.waitstatus_to_exitcode(ended[1]) == 0
    finally:
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(ours)


def login_tty(descriptor):
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)
    for number in (0, 1, 2):
        os.dup2(descriptor, number)


def test_unbolt_stop_ends_it_and_its_builds(dev, new, call, unbolt, tmp_path):
    running = dev(new("c"))
    running.get_until("Hello")
    subprocess.run(
        [unbolt, "stop"], env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}, check=True, timeout=60
    )
    assert running.process.wait(timeout=20) == 0
