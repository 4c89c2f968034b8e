"""POST publishes a message, and the handler of messages below logs it. Edit it while `unbolt dev` runs."""

from componentize_py_types import Err
from web import body_of, respond
from wit_world import exports
from wit_world.imports import consumer, logging
from wit_world.imports.wasi_http_types import IncomingRequest, Method_Post, ResponseOutparam
from wit_world.imports.wasmcloud_messaging_types import BrokerMessage


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        if not isinstance(request.method(), Method_Post):
            return respond(response_out, 405, "POST a message\n")
        try:
            consumer.publish(BrokerMessage("@NAME@.posted", body_of(request), None))
        except Err as why:
            return respond(response_out, 503, f"the broker: {why.value}\n")
        respond(response_out, 202, "published\n")


class Handler(exports.Handler):
    def handle_message(self, msg: BrokerMessage) -> None:
        logging.log(logging.Level.INFO, msg.subject, msg.body.decode())
