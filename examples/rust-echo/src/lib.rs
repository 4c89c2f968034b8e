//! Gives a request back: its headers, its body as it arrives, and its trailers.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
    Trailers,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// How much is asked for at once; the host decides how much it hands on.
const CHUNK: u64 = 64 * 1024;

struct Echo;

impl Guest for Echo {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let response = OutgoingResponse::new(copy(&request.headers()));
        let outgoing = response.body().expect("the body is taken once");
        let incoming = request.consume().expect("the body is taken once");
        // The head goes out before the body is read, so that both ends may stream.
        ResponseOutparam::set(out, Ok(response));

        let input = incoming.stream().expect("the stream is taken once");
        let output = outgoing.write().expect("the stream is taken once");
        let passed = pass(&input, &output);
        drop((input, output));
        if passed.is_err() {
            return; // the body stays unfinished, and the client sees that it was cut off
        }
        let trailers = trailers_of(incoming).map(|trailers| copy(&trailers));
        let _ = OutgoingBody::finish(outgoing, trailers);
    }
}

/// The fields that may stand in a response: the host refuses `host`, `connection` and others of their kind.
fn copy(fields: &Fields) -> Fields {
    let copy = Fields::new();
    for (name, value) in fields.entries() {
        let _ = copy.append(&name, &value);
    }
    copy
}

/// Lets the host move bytes from one stream to the other until the input ends.
fn pass(input: &InputStream, output: &OutputStream) -> Result<(), StreamError> {
    loop {
        match output.blocking_splice(input, CHUNK) {
            Ok(_) => {}
            Err(StreamError::Closed) => return output.blocking_flush(),
            Err(error) => return Err(error),
        }
    }
}

fn trailers_of(body: IncomingBody) -> Option<Trailers> {
    let future = IncomingBody::finish(body);
    future.subscribe().block();
    future.get()?.ok()?.ok()?
}

wasip2::http::proxy::export!(Echo);
