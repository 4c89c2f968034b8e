"""What is between main.py and wasi:http."""

from componentize_py_types import Err, Ok

try:
    from wit_world.imports import types as http
except ImportError:  # where the world has other types, too
    from wit_world.imports import wasi_http_types as http


def body_of(request: http.IncomingRequest, most=1 << 20) -> bytes:
    data = b""
    with request.consume() as body, body.stream() as stream:
        try:
            while len(data) < most:
                data += stream.blocking_read(65536)
        except Err:
            pass  # its end
    return data


def respond(out: http.ResponseOutparam, status: int, text: str, kind="text/plain") -> None:
    data = text.encode()
    fields = http.Fields.from_list([("content-type", kind.encode()), ("content-length", str(len(data)).encode())])
    response = http.OutgoingResponse(fields)
    response.set_status_code(status)
    body = response.body()
    http.ResponseOutparam.set(out, Ok(response))
    try:
        with body.write() as stream:
            for start in range(0, len(data), 4096):  # the most that one call takes
                stream.blocking_write_and_flush(data[start : start + 4096])
        http.OutgoingBody.finish(body, None)
    except Err:
        pass  # the client left
