//! A request whose body is lines of text, and an answer of lines.

use crate::wasi::http::types::{
    Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use crate::wasi::io::streams::StreamError;

/// The whole body as text.
pub fn body_of(request: &IncomingRequest) -> String {
    let mut bytes = Vec::new();
    let body = request.consume().expect("the body is taken once");
    let stream = body.stream().expect("the stream is taken once");
    loop {
        match stream.blocking_read(1 << 20) {
            Ok(more) => bytes.extend(more),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => panic!("{}", error.to_debug_string()),
        }
    }
    drop(stream);
    IncomingBody::finish(body);
    String::from_utf8(bytes).expect("a body is text")
}

pub fn answer(out: ResponseOutparam, status: u16, text: &str) {
    let response = OutgoingResponse::new(Fields::new());
    let _ = response.set_status_code(status);
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    for part in text.as_bytes().chunks(4096) {
        // This fails where the client has left: nobody is there to tell.
        let _ = stream.blocking_write_and_flush(part);
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}
