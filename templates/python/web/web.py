"""What is between main.py and wasi:http."""

from componentize_py_types import Err, Ok
from wit_world.imports.types import Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam


def body_of(request: IncomingRequest, most=1 << 20) -> bytes:
    data = b""
    with request.consume() as body, body.stream() as stream:
        try:
            while len(data) < most:
                data += stream.blocking_read(65536)
        except Err:
            pass  # its end
    return data


def respond(out: ResponseOutparam, status: int, text: str, kind="text/plain") -> None:
    data = text.encode()
    fields = Fields.from_list([("content-type", kind.encode()), ("content-length", str(len(data)).encode())])
    response = OutgoingResponse(fields)
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(out, Ok(response))
    try:
        with body.write() as stream:
            for start in range(0, len(data), 4096):  # the most that one call takes
                stream.blocking_write_and_flush(data[start : start + 4096])
        OutgoingBody.finish(body, None)
    except Err:
        pass  # the client left
