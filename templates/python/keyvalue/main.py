"""Counts the visits of each path in a key-value store. Edit it while `unbolt dev` runs: the counts stay."""

from web import respond
from wit_world import exports
from wit_world.imports import atomics, store
from wit_world.imports.types import IncomingRequest, ResponseOutparam


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        path = (request.path_with_query() or "/").partition("?")[0]
        with store.open("default") as bucket:
            visits = atomics.increment(bucket, path, 1)
        respond(response_out, 200, f"{path} was visited {visits} times\n")
