"""A server for components to call: counts connections, can be slow, break off, or speak TLS with a name of our choice."""

import http.server
import ssl
import subprocess
import threading
import time


class Upstream:
    """Answers on a free port of 127.0.0.1 until `stop`.

    /echo sends the request's body back; /headers its headers; /stream/N N bytes in chunks; /slow/S after S seconds;
    /never not at all; /break half of what it promised; /status/N that status; all else "upstream PATH". What stands in
    `answers` goes first: by path, a function that makes a status and a body.
    """

    def __init__(self, certificate=None):
        self.connections = 0
        self.requests = []  # (method, path, headers, body)
        self.answers = {}
        self.stopping = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                outer.connections += 1

            def log_message(self, *_):
                pass

            def read_body(self):
                if "chunked" in self.headers.get("Transfer-Encoding", ""):
                    chunks = []
                    while size := int(self.rfile.readline().split(b";")[0], 16):
                        chunks.append(self.rfile.read(size))
                        self.rfile.readline()
                    while self.rfile.readline().strip():
                        pass
                    return b"".join(chunks)
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def answer(self, body, status=200):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Upstream", "yes")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def serve(self):
                body = self.read_body()
                outer.requests.append((self.command, self.path, dict(self.headers.items()), body))
                kind, _, argument = self.path.strip("/").partition("/")
                if self.path in outer.answers:
                    status, body = outer.answers[self.path]()
                    self.answer(body, status)
                elif kind == "echo":
                    self.answer(body)
                elif kind == "headers":
                    self.answer("".join(f"{k}: {v}\n" for k, v in self.headers.items()).encode())
                elif kind == "status":
                    self.answer(b"", int(argument))
                elif kind == "slow":
                    outer.stopping.wait(float(argument))
                    self.answer(b"slow\n")
                elif kind == "never":
                    outer.stopping.wait(120)
                    self.close_connection = True
                elif kind == "break":
                    self.send_response(200)
                    self.send_header("Content-Length", "1000")
                    self.end_headers()
                    self.wfile.write(b"x" * 10)
                    self.close_connection = True
                elif kind == "stream":
                    self.send_response(200)
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    left = int(argument)
                    while left:
                        size = min(left, 65536)
                        self.wfile.write(b"%x\r\n%s\r\n" % (size, b"s" * size))
                        left -= size
                    self.wfile.write(b"0\r\n\r\n")
                else:
                    self.answer(f"upstream {self.path}\n".encode())

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = serve

        class QuietServer(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # a client that leaves is part of the tests

        self.server = QuietServer(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def make_authority(folder):
    """A certificate authority; (certificate, key) as paths."""
    certificate, key = folder / "ca.pem", folder / "ca.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Unbolt test authority",
            "-keyout", key, "-out", certificate)  # fmt: skip
    return certificate, key


def make_certificate(folder, authority, names, days=2):
    """A server's certificate for these names (`DNS:localhost`, `IP:127.0.0.1`); (certificate, key) as paths."""
    stem = folder / f"server-{time.monotonic_ns()}"
    certificate, key, request, extension = (stem.with_suffix(s) for s in (".pem", ".key", ".csr", ".ext"))
    extension.write_text(f"subjectAltName={','.join(names)}\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server", "-keyout", key, "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", authority[0], "-CAkey", authority[1], "-CAcreateserial",
            "-days", days, "-extfile", extension, "-out", certificate)  # fmt: skip
    return certificate, key


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
