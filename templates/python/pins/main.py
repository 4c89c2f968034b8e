"""PUT switches the alert light on, DELETE off again. Edit it while `unbolt dev` runs."""

from componentize_py_types import Err
from web import respond
from wit_world import exports
from wit_world.imports import board
from wit_world.imports.types import IncomingRequest, Method_Delete, Method_Put, ResponseOutparam


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        on = isinstance(request.method(), Method_Put)
        if not on and not isinstance(request.method(), Method_Delete):
            return respond(response_out, 405, "PUT or DELETE\n")
        try:
            board.set_level("alert", board.Level.HIGH if on else board.Level.LOW)
        except Err as why:
            return respond(response_out, 503, f"the board: {why.value}\n")
        respond(response_out, 200, f"the alert light is {'on' if on else 'off'}\n")
