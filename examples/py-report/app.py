"""POST a CSV table, with the columns to group by and to sum in the query: the answer is a report as JSON.

The table may be of any size: rows are read as they arrive, and only the sums are kept.
"""

import csv
import encodings.utf_8_sig  # noqa: F401  what is first imported later is not there any more: there are no files then
import io
import json
from urllib.parse import parse_qs, urlsplit

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import logging
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    Method_Post,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)

CHUNK = 64 * 1024
MOST_GROUPS = 10_000
MOST_COMPLAINTS = 10


class Refused(Exception):
    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        try:
            status, value = 200, report(request)
        except Refused as refused:
            status, value = refused.status, {"error": str(refused)}
        respond(response_out, status, json.dumps(value) + "\n")


def report(request):
    if not isinstance(request.method(), Method_Post):
        raise Refused(405, "POST a table")
    query = parse_qs(urlsplit(request.path_with_query() or "/").query)
    by, amount = (query.get(name, [""])[0] for name in ("by", "sum"))
    if not by or not amount:
        raise Refused(400, "the query names two columns: ?by=COLUMN&sum=COLUMN")

    try:
        with request.consume() as body, body.stream() as stream:
            groups, wrong = summarize(csv.DictReader(lines(stream)), by, amount)
    except (csv.Error, UnicodeDecodeError) as error:
        raise Refused(400, f"not a table in CSV: {error}") from error
    logging.log(logging.Level.INFO, "report", f"{sum(g.count for g in groups.values())} rows, {len(wrong)} wrong")
    return {
        "by": by,
        "sum": amount,
        "groups": {name: group.facts() for name, group in sorted(groups.items())},
        "wrong": wrong[:MOST_COMPLAINTS],
        "wrong_rows": len(wrong),
    }


def lines(stream):
    """The lines of a body, as it arrives."""
    return io.TextIOWrapper(io.BufferedReader(Body(stream), CHUNK), encoding="utf-8-sig", newline="")


class Body(io.RawIOBase):
    """An input stream of WASI as a file of Python."""

    def __init__(self, stream):
        self.stream = stream

    def readable(self):
        return True

    def readinto(self, buffer):
        try:
            data = self.stream.blocking_read(len(buffer))
        except Err as error:
            if isinstance(error.value, StreamError_Closed):
                return 0
            raise OSError(error.value.value.to_debug_string()) from error
        buffer[: len(data)] = data
        return len(data)


class Group:
    def __init__(self):
        self.count, self.sum = 0, 0.0
        self.least, self.most = float("inf"), float("-inf")

    def add(self, amount):
        self.count += 1
        self.sum += amount
        self.least, self.most = min(self.least, amount), max(self.most, amount)

    def facts(self):
        return {
            "count": self.count,
            "sum": round(self.sum, 2),
            "mean": round(self.sum / self.count, 2),
            "min": self.least,
            "max": self.most,
        }


def summarize(rows, by, amount):
    """Sums by group, and what is wrong with the rows that were left out."""
    missing = {by, amount} - set(rows.fieldnames or [])
    if missing:
        raise Refused(422, f"the table has no column {', '.join(sorted(missing))}")
    groups, wrong = {}, []
    for row in rows:
        try:
            number = float(row[amount])
        except (TypeError, ValueError):
            wrong.append(f"line {rows.line_num}: {amount} is {row[amount]!r}")
            continue
        if row[by] not in groups and len(groups) == MOST_GROUPS:
            raise Refused(422, f"{by} has more than {MOST_GROUPS} values")
        groups.setdefault(row[by], Group()).add(number)
    return groups, wrong


def respond(out, status, text):
    data = text.encode()
    fields = Fields.from_list([("content-type", b"application/json"), ("content-length", str(len(data)).encode())])
    response = OutgoingResponse(fields)
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(out, Ok(response))
    try:
        with body.write() as stream:
            for start in range(0, len(data), 4096):  # the most that one blocking write takes
                stream.blocking_write_and_flush(data[start : start + 4096])
        OutgoingBody.finish(body, None)
    except Err:
        pass  # the client left
