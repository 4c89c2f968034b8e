"""The servers that stand behind providers, each on a free port of this machine, with a folder of its own."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")
ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name, *folders):
    found = shutil.which(name, path=os.pathsep.join([*map(str, folders), os.environ["PATH"], "/usr/sbin"]))
    assert found, f"{name} is missing: scripts/setup.sh test installs it"
    return found


class Server:
    """A process that listens on a port; it can be killed and started again with what it had stored."""

    def __init__(self, folder, user=None):
        self.folder, self.port, self.user, self.process = folder, free_port(), user, None
        folder.mkdir()

    def command(self):
        raise NotImplementedError

    def start(self):
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, user=self.user, cwd=self.folder)
        deadline = time.monotonic() + 30
        while True:
            assert self.process.poll() is None, f"{self.command()}: ended with {self.process.returncode}"
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                assert time.monotonic() < deadline, f"{self.command()}: does not listen"
                time.sleep(0.02)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


class Redis(Server):
    def command(self):
        return [program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--appendonly", "yes",
                "--save", ""]

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"


class Nats(Server):
    def command(self):
        tool = os.environ.get("UNBOLT_NATS_SERVER") or subprocess.run(
            [ROOT / "scripts/nats_server.sh"], check=True, capture_output=True, text=True).stdout.strip()
        return [tool, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder)]

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"


class Mosquitto(Server):
    """Writes down what it knows when it is stopped, not when it is killed."""

    def command(self):
        config = self.folder / "config"
        user = "user root\n" if os.geteuid() == 0 else ""
        config.write_text(f"{user}listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
                          f"persistence true\npersistence_location {self.folder}/\nmax_queued_messages 0\n")
        return [program("mosquitto"), "-c", str(config)]

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.port}"


class Postgres(Server):
    """PostgreSQL refuses to run as root: then it runs as somebody else."""

    def __init__(self, folder):
        super().__init__(folder, user="nobody" if os.geteuid() == 0 else None)
        data = folder / "data"
        (folder / "password").write_text("secret")
        if self.user:
            for path in [folder, folder / "password"]:
                shutil.chown(path, self.user)
            # The folders above belong to this user alone.
            for path in [folder.parent]:
                path.chmod(0o755)
        subprocess.run([program("initdb", POSTGRES), "-D", data, "-U", "unbolt", "-A", "scram-sha-256", "--no-sync",
                        "--no-locale", "-E", "UTF8", f"--pwfile={folder / 'password'}"], check=True,
                       stdout=subprocess.DEVNULL, user=self.user, cwd=folder)

    def command(self):
        return [program("postgres", POSTGRES), "-D", str(self.folder / "data"), "-p", str(self.port), "-c",
                "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]

    def start(self):
        super().start()
        # It listens before it lets anyone in.
        deadline = time.monotonic() + 30
        while subprocess.run([program("pg_isready", POSTGRES), "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            assert time.monotonic() < deadline, "PostgreSQL does not let anyone in"
            time.sleep(0.05)
        return self

    def kill(self):
        # Those who serve connections notice some time later, and answer until then.
        first = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.process.send_signal(signal.SIGSTOP)
        while "T (stopped)" not in pathlib.Path(f"/proc/{self.process.pid}/status").read_text():
            time.sleep(0.001)
        children = first.read_text().split()
        super().kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        while any(pathlib.Path(f"/proc/{child}").exists() for child in children):
            time.sleep(0.01)

    def stop(self):
        # SIGINT ends it at once; SIGTERM waits for its clients.
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        super().stop()

    @property
    def url(self):
        return f"postgres://unbolt:secret@127.0.0.1:{self.port}/postgres"

    def sql(self, text):
        """What psql prints, without decoration."""
        return subprocess.run([program("psql", POSTGRES), "-qAtX", "-v", "ON_ERROR_STOP=1", self.url, "-c", text],
                              check=True, capture_output=True, text=True).stdout.strip()


class NatsClient:
    """As much of a client as the tests need: publishes that the server has confirmed."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.pending = b""
        self.line()  # INFO
        self.socket.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\nSUB _INBOX.test.* 1\r\nPING\r\n')
        while self.line() != b"PONG":
            pass
        self.sent = 0

    def line(self):
        while b"\r\n" not in self.pending:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the server has left")
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\r\n")
        return line

    def publish(self, subject, body):
        """To a stream: returns when the server has stored it."""
        self.sent += 1
        inbox = f"_INBOX.test.{self.sent}"
        self.socket.sendall(f"PUB {subject} {inbox} {len(body)}\r\n".encode() + body + b"\r\n")
        while True:
            line = self.line()
            if line == b"PING":
                self.socket.sendall(b"PONG\r\n")
            elif line.startswith(b"MSG"):
                parts, answer = line.split(), self.line()
                if parts[1].decode() == inbox:
                    if b'"error"' in answer or b'"stream"' not in answer:
                        raise ConnectionError(answer.decode())
                    return

    def request(self, subject, body):
        """The first answer."""
        self.sent += 1
        inbox = f"_INBOX.test.{self.sent}"
        self.socket.sendall(f"PUB {subject} {inbox} {len(body)}\r\n".encode() + body + b"\r\n")
        while True:
            line = self.line()
            if line == b"PING":
                self.socket.sendall(b"PONG\r\n")
            elif line.startswith(b"MSG"):
                parts, answer = line.split(), self.line()
                if parts[1].decode() == inbox:
                    return answer

    def send(self, subject, body):
        """Without a confirmation."""
        self.socket.sendall(f"PUB {subject} {len(body)}\r\n".encode() + body + b"\r\n")

    def flush(self):
        self.socket.sendall(b"PING\r\n")
        while self.line() != b"PONG":
            pass

    def close(self):
        self.socket.close()


class MqttClient:
    """As much of a client of MQTT 3.1.1 as the tests need: publishes that the broker has acknowledged."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = os.urandom(8).hex().encode()
        self.send(0x10, b"\0\x04MQTT\x04\x02\0\x3c\0\x10" + name)
        self.expect(b"\x20\x02\0\0")
        self.sent = 0

    def send(self, first, body):
        assert len(body) < 128
        self.socket.sendall(bytes([first, len(body)]) + body)

    def expect(self, wanted):
        answer = b""
        while len(answer) < len(wanted):
            more = self.socket.recv(len(wanted) - len(answer))
            if not more:
                raise ConnectionError("the broker has left")
            answer += more
        assert answer == wanted, answer

    def publish(self, topic, body):
        """Returns when the broker has it."""
        self.sent = self.sent % 65535 + 1
        number = self.sent.to_bytes(2, "big")
        self.send(0x32, len(topic).to_bytes(2, "big") + topic.encode() + number + body)
        self.expect(b"\x40\x02" + number)
