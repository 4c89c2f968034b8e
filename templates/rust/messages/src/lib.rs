//! POST publishes a message, and the handler of messages below logs it. Edit it while `unbolt dev` runs.

mod http;

use crate::exports::wasmcloud::messaging::handler::Guest;
use crate::wasi::http::types::Method;
use crate::wasi::logging::logging::{Level, log};
use crate::wasmcloud::messaging::consumer::{self, BrokerMessage};
use http::{Request, Response};

wit_bindgen::generate!({ path: "wit", generate_all });

struct Component;
export!(Component);

fn handle(request: Request) -> Response {
    if !matches!(request.method, Method::Post) {
        return Response { status: 405, body: "POST a message\n".into() };
    }
    let message = BrokerMessage { subject: "@NAME@.posted".into(), body: request.body, reply_to: None };
    match consumer::publish(&message) {
        Ok(()) => Response { status: 202, body: "published\n".into() },
        Err(why) => Response { status: 503, body: format!("the broker: {why}\n") },
    }
}

impl Guest for Component {
    fn handle_message(message: BrokerMessage) -> Result<(), String> {
        log(Level::Info, &message.subject, &String::from_utf8_lossy(&message.body));
        Ok(())
    }
}
