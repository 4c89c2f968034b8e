"""Answers requests. Edit it while `unbolt dev` runs."""

from web import respond
from wit_world import exports
from wit_world.imports.types import IncomingRequest, ResponseOutparam


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        respond(response_out, 200, f"Hello from @NAME@: {request.path_with_query()}\n")
