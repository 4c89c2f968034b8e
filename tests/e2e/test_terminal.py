"""Commands in a terminal, in a pipe, and with whatever else a shell gives them as standard streams."""

import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import time

import pytest

from conftest import PATIENCE


class Terminal:
    """A program in a terminal of its own, as its session's leader; what it shows, and what is typed."""

    def __init__(self, command):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(command[0], command)
        self.shown = b""
        self.status = None

    def type(self, data):
        os.write(self.master, data)

    def more(self, seconds):
        """Reads what is shown next; b"" when the program has left, None when the time is over."""
        if not select.select([self.master], [], [], seconds)[0]:
            return None
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the terminal open any more
            return b""
        self.shown += data
        return data

    def wait_for(self, text, seconds=10):
        deadline = time.monotonic() + seconds * PATIENCE
        while text not in self.shown:
            left = deadline - time.monotonic()
            data = self.more(max(left, 0))
            assert data is not None, f"no {text!r} after {seconds} s: {self.shown!r}"
            assert data != b"" or text in self.shown, f"ended without {text!r}: {self.shown!r}"

    def end(self, seconds=10):
        """Waits for the program's end; its exit status."""
        deadline = time.monotonic() + seconds * PATIENCE
        while time.monotonic() < deadline:
            self.more(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self.more(0):
                    pass
                self.status = os.waitstatus_to_exitcode(status)
                return self.status
        raise AssertionError(f"still there after {seconds} s: {self.shown!r}")

    def settings(self):
        return termios.tcgetattr(self.master)

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)


@pytest.fixture
def console(guests):
    return guests / "console.wasm"


@pytest.fixture
def terminal(unbolt, console):
    """terminal("ask"): the console guest in a terminal."""
    opened = []

    def start(*arguments, guest=console):
        opened.append(Terminal([str(unbolt), "run", str(guest), "--", *arguments]))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def command(unbolt, console):
    return lambda *arguments: [str(unbolt), "run", str(console), "--", *arguments]


def finish(process, seconds=20):
    try:
        return process.wait(seconds * PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"{process.args}: still running after {seconds} s") from None


# --- in a terminal


def test_a_prompt_is_there_before_its_line_ends(terminal):
    screen = terminal("ask")
    screen.wait_for(b"name? ")
    screen.type(b"Ada\n")
    screen.wait_for(b"Ada\r\nhello, Ada\r\n")  # the echo is the terminal's
    assert screen.end() == 0


def test_the_terminal_edits_lines(terminal):
    screen = terminal("ask")
    screen.wait_for(b"name? ")
    screen.type(b"Adx\x7fa\n")
    screen.wait_for(b"hello, Ada\r\n")
    assert screen.end() == 0


def test_ctrl_d_ends_the_input(terminal):
    screen = terminal("ask")
    screen.wait_for(b"name? ")
    screen.type(b"\x04")
    screen.wait_for(b"nobody\r\n")
    assert screen.end() != 0


@pytest.mark.parametrize("what, sign", [("ask", b"name? "), ("spin", b"spinning\r\n"), ("ticks 1000", b"tick 1\r\n")])
def test_ctrl_c_ends_what_waits_and_what_computes(terminal, what, sign):
    screen = terminal(*what.split())
    screen.wait_for(sign)
    before = screen.settings()
    screen.type(b"\x03")
    assert screen.end(seconds=5) == 130
    assert b"error" not in screen.shown and b"wasm" not in screen.shown, screen.shown
    assert screen.settings() == before
    # The prompt of the shell starts a line of its own, in its own colour, with a cursor.
    assert screen.shown.endswith(b"^C\x1b[0m\x1b[?25h\r\n"), screen.shown


def test_ctrl_c_ends_what_a_stopped_terminal_holds_up(terminal):
    screen = terminal("yes")
    screen.wait_for(b"y\r\n")
    screen.type(b"\x13")  # Ctrl-S
    time.sleep(0.3)
    while screen.more(0.2):
        pass
    screen.type(b"\x03")
    screen.type(b"\x03")
    screen.type(b"\x11")
    assert screen.end(seconds=5) == 130


def test_the_terminal_stays_blocking_for_others(terminal):
    screen = terminal("ask")
    screen.wait_for(b"name? ")
    flags = open(f"/proc/{screen.pid}/fdinfo/0").read()
    assert int(flags.split("flags:")[1].split()[0], 8) & os.O_NONBLOCK == 0
    screen.type(b"x\n")
    assert screen.end() == 0


def test_a_new_size_of_the_window_disturbs_nothing(terminal):
    screen = terminal("ask")
    screen.wait_for(b"name? ")
    for rows in (10, 20, 30):
        fcntl.ioctl(screen.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
        os.kill(screen.pid, signal.SIGWINCH)
    screen.type(b"Ada\n")
    screen.wait_for(b"hello, Ada")
    assert screen.end() == 0


def test_a_program_stopped_and_continued_goes_on(terminal):
    screen = terminal("ask")
    screen.wait_for(b"name? ")
    os.kill(screen.pid, signal.SIGSTOP)
    os.waitpid(screen.pid, os.WUNTRACED)
    os.kill(screen.pid, signal.SIGCONT)
    screen.type(b"Ada\n")
    screen.wait_for(b"hello, Ada")
    assert screen.end() == 0


def test_a_closed_window_ends_the_program(terminal):
    screen = terminal("ticks", "100000")
    screen.wait_for(b"tick 1")
    os.kill(screen.pid, signal.SIGHUP)
    assert screen.end() == 129


def test_input_and_a_clock_at_once(terminal):
    screen = terminal("ticks", "100000")
    screen.wait_for(b"tick 2")
    screen.type(b"word\n")
    screen.wait_for(b"got word")
    seen = len(screen.shown)
    screen.wait_for(b"tick 5")
    assert len(screen.shown) > seen
    screen.type(b"\x04")
    screen.wait_for(b"end")
    assert screen.end() == 0


def test_a_terminal_says_that_it_is_one(terminal):
    screen = terminal("terminals")
    screen.wait_for(b"1 1 1\r\n")
    assert screen.end() == 0


def test_each_stream_says_for_itself_whether_it_is_a_terminal(command):
    master, slave = pty.openpty()
    done = subprocess.run(command("terminals"), stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.close(master)
    os.close(slave)
    assert done.stdout == b"1 0 0\n", done


# --- pipes and files


def test_a_reader_that_leaves_ends_the_writer_quietly(command):
    start = time.monotonic()
    writer = subprocess.Popen(command("yes"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writer.stdout.readline() == b"y\n"
    writer.stdout.close()
    assert finish(writer) == 141
    assert time.monotonic() - start < 10 * PATIENCE
    assert writer.stderr.read() == b""


def test_a_program_may_end_as_it_likes_when_nobody_reads(command):
    """The first write that meets it fails; only who goes on is ended."""
    writer = subprocess.Popen(command("careful"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writer.stdout.readline() == b"y\n"
    writer.stdout.close()
    assert finish(writer) == 5
    assert writer.stderr.read() == b"nobody reads\n"


def test_head_in_a_shell(command):
    line = " ".join(f"'{word}'" for word in command("yes"))
    done = subprocess.run(
        ["bash", "-c", f"{line} | head -1; echo ${{PIPESTATUS[0]}}"], capture_output=True, timeout=20 * PATIENCE
    )
    assert done.stdout == b"y\n141\n" and done.stderr == b"", done


def test_all_that_was_written_arrives_however_slow_the_reader(command):
    writer = subprocess.Popen(command("flood", "20000"), stdout=subprocess.PIPE)
    total = b""
    while piece := os.read(writer.stdout.fileno(), 50_000):
        total += piece
        if len(total) < 300_000:
            time.sleep(0.02)
    assert finish(writer) == 0
    assert total == b"".join(b"%062d\n" % i for i in range(20_000))


def test_a_full_pipe_holds_the_guest_and_not_the_program(command):
    writer = subprocess.Popen(command("yes"), stdout=subprocess.PIPE)
    assert os.read(writer.stdout.fileno(), 1) == b"y"
    time.sleep(0.5)
    writer.send_signal(signal.SIGTERM)
    assert finish(writer, 5) == 143
    writer.stdout.close()


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("what", ["spin", "ticks 100000"])
def test_a_signal_is_the_status(command, what, number, status):
    process = subprocess.Popen(
        command(*what.split()), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.read(1)
    process.send_signal(number)
    assert finish(process, 5) == status
    assert process.stderr.read() == b""


def test_an_ignored_signal_stays_ignored(command):
    process = subprocess.Popen(
        ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *command("ticks", "100000")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.read(6) == b"tick 1"
    process.send_signal(signal.SIGINT)
    process.stdin.write(b"still here\n")
    process.stdin.flush()
    while b"still here" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGTERM)
    assert finish(process, 5) == 143


def test_output_and_errors_keep_their_order_in_one_pipe(command):
    done = subprocess.run(command("mixed", "500"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.stdout == b"".join(b"out %d\nerr %d\n" % (i, i) for i in range(500))


def test_every_byte_passes(command):
    assert subprocess.run(command("every-byte"), stdout=subprocess.PIPE).stdout == bytes(range(256))


def test_what_is_not_read_stays_for_the_next(command, tmp_path):
    lines = tmp_path / "lines"
    lines.write_bytes(b"one\ntwo\nthree\n")
    line = " ".join(f"'{word}'" for word in command("line"))
    for source in (f"< {lines}", f"< <(cat {lines})"):
        done = subprocess.run(["bash", "-c", f"{{ {line}; {line}; cat; }} {source}"], capture_output=True)
        assert done.stdout == b"one\ntwo\nthree\n", (source, done)


@pytest.mark.parametrize("stdin", ["< /dev/null", "<&-", "< /dev/zero", "< {file}", "< {fifo}", "| cat"])
@pytest.mark.parametrize("stdout", ["", ">&-", "> /dev/null", "> {out}", "| cat", "2>&1"])
def test_standard_streams_of_every_kind(command, tmp_path, stdin, stdout):
    """None of them is an error of ours."""
    names = {name: tmp_path / name for name in ("file", "fifo", "out")}
    names["file"].write_bytes(b"Ada\n")
    os.mkfifo(names["fifo"])
    line = " ".join(f"'{word}'" for word in command("line"))
    feed = f"echo Ada > {names['fifo']} & " if "fifo" in stdin else ""
    if stdin == "| cat":
        line = f"echo Ada | {line}"
    elif stdin == "< /dev/zero":
        line = line[: line.index("'--'")] + "'--' 'terminals' < /dev/zero"
    else:
        line += " " + stdin.format(**names)
    done = subprocess.run(
        ["bash", "-c", f"{feed}{line} {stdout.format(**names)}"],
        capture_output=True,
        timeout=20 * PATIENCE,
    )
    assert done.returncode == 0 and done.stderr == b"", done
    read = names["out"].read_bytes() if stdout == "> {out}" else done.stdout
    if stdout in (">&-", "> /dev/null"):
        assert read == b""
    elif stdin in ("< {file}", "< {fifo}", "| cat"):
        assert read == b"Ada\n"
    elif stdin != "< /dev/zero":
        assert read == b""


def test_a_socket_for_both(command):
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(command("ask"), stdin=theirs, stdout=theirs)
    theirs.close()
    ours.settimeout(10 * PATIENCE)
    assert ours.recv(100) == b"name? "
    ours.sendall(b"Ada\n")
    assert ours.recv(100) == b"hello, Ada\n"
    assert finish(process) == 0
    ours.close()


def test_a_socket_whose_peer_left(command):
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(command("yes"), stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE)
    theirs.close()
    assert ours.recv(2)
    ours.close()
    assert finish(process) == 141


def test_a_full_disk_is_the_guests_error(command):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command("mixed", "3"), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 0 and done.stderr == b"err 0\nerr 1\nerr 2\n", done
