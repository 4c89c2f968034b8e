//! The sub-commands of the guest `sockets` over HTTP: `GET /tcp-client/127.0.0.1:80/hello` answers with the lines that the
//! command prints for these arguments, and 500 where it fails.

#[path = "../../sockets/src/names.rs"]
mod names;
#[path = "../../sockets/src/shared.rs"]
mod shared;
#[path = "../../sockets/src/states.rs"]
mod states;
#[path = "../../sockets/src/tcp.rs"]
mod tcp;
#[path = "../../sockets/src/udp.rs"]
mod udp;

pub use shared::*;

use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Handler;

impl wasip2::exports::http::incoming_handler::Guest for Handler {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let arguments: Vec<&str> = path.split('/').skip(1).collect();
        *LINES.lock().expect("nobody panics with it") = Some(String::new());
        let done = shared::run(&arguments);
        let lines = LINES.lock().expect("nobody panics with it").take().unwrap_or_default();

        let response = OutgoingResponse::new(Fields::new());
        let _ = response.set_status_code(if done { 200 } else { 500 });
        let body = response.body().expect("the body is taken once");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("the stream is taken once");
        for part in lines.as_bytes().chunks(4096) {
            // This fails where the client has left: nobody is there to tell.
            let _ = stream.blocking_write_and_flush(part);
        }
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

wasip2::http::proxy::export!(Handler);
