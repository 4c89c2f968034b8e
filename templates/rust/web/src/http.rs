//! A request and its answer, as lib.rs sees them, and what is between them and wasi:http.

use crate::exports::wasi::http::incoming_handler::Guest;
use crate::wasi::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

pub struct Request {
    pub method: Method,
    /// Without the query.
    pub path: String,
    /// What stands behind the question mark.
    pub query: String,
    /// Of at most 1 MiB.
    pub body: Vec<u8>,
}

pub struct Response {
    pub status: u16,
    pub body: String,
}

const MOST: usize = 1 << 20;

fn body_of(incoming: &IncomingRequest) -> Vec<u8> {
    let mut all = Vec::new();
    if let Ok(body) = incoming.consume() {
        if let Ok(stream) = body.stream() {
            while all.len() < MOST {
                match stream.blocking_read(65536) {
                    Ok(part) => all.extend(part),
                    Err(_) => break,
                }
            }
        }
    }
    all
}

impl Guest for crate::Component {
    fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
        let target = incoming.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let answer = crate::handle(Request {
            method: incoming.method(),
            path: path.to_string(),
            query: query.to_string(),
            body: body_of(&incoming),
        });
        let fields = Fields::new();
        let _ = fields.append("content-type", b"text/plain");
        let response = OutgoingResponse::new(fields);
        let _ = response.set_status_code(answer.status);
        let body = response.body().expect("the body is taken once");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("the stream is taken once");
        for part in answer.body.as_bytes().chunks(4096) {
            if stream.blocking_write_and_flush(part).is_err() {
                break; // the client left
            }
        }
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}
