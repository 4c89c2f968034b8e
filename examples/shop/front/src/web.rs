//! A request to the function that answers it, as text.

use crate::exports::wasi::http::incoming_handler::Guest;
use crate::wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use crate::wasi::io::streams::StreamError;

/// Status and text.
pub type Answer = (u16, String);

/// An order is a line.
const LONGEST_BODY: usize = 1024;

struct Front;

impl Guest for Front {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        let answer = match body_of(&request) {
            Ok(body) => crate::answer(&request.method(), path, &body),
            Err(refused) => refused,
        };
        respond(out, answer);
    }
}

fn body_of(request: &IncomingRequest) -> Result<String, Answer> {
    let body = request.consume().expect("the body is taken once");
    let stream = body.stream().expect("the stream is taken once");
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(LONGEST_BODY as u64) {
            Ok(more) => bytes.extend(more),
            Err(StreamError::Closed) => break,
            Err(error) => return Err((400, format!("the body ended early: {error:?}"))),
        }
        if bytes.len() > LONGEST_BODY {
            return Err((413, format!("at most {LONGEST_BODY} bytes")));
        }
    }
    String::from_utf8(bytes).map_err(|_| (400, "the body is no text".to_string()))
}

fn respond(out: ResponseOutparam, (status, text): Answer) {
    let response = OutgoingResponse::new(Fields::new());
    let _ = response.set_status_code(status);
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    // The host takes at most 4096 bytes in one blocking write.
    for part in [text.as_bytes(), b"\n"].concat().chunks(4096) {
        if stream.blocking_write_and_flush(part).is_err() {
            break; // the client left
        }
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

crate::export!(Front with_types_in crate);
