//! Forwards each request to another server, and its response back. Bodies stream in both directions at once.
//!
//! Where to is the configuration value `upstream`, a URL that the path of the request is appended to; where that is not
//! set, the request may name it in the header `x-upstream`.

mod pump;
mod url;

wit_bindgen::generate!({
    world: "example:proxy/proxy",
    path: [
        "../../wit/deps/io",
        "../../wit/deps/clocks",
        "../../wit/deps/random",
        "../../wit/deps/filesystem",
        "../../wit/deps/sockets",
        "../../wit/deps/cli",
        "../../wit/deps/http",
        "../../wit/deps/config",
        "wit",
    ],
    generate_all,
});

use crate::exports::wasi::http::incoming_handler::Guest;
use crate::pump::{Pump, Step};
use crate::url::Url;
use crate::wasi::config::store;
use crate::wasi::http::outgoing_handler;
use crate::wasi::http::types::{
    Fields, FutureIncomingResponse, IncomingBody, IncomingRequest, IncomingResponse, OutgoingBody,
    OutgoingRequest, OutgoingResponse, ResponseOutparam,
};
use crate::wasi::io::poll;

struct Proxy;

impl Guest for Proxy {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let url = match upstream(&request) {
            Ok(url) => url,
            Err(why) => return answer(out, 500, &why),
        };
        match Exchange::start(request, &url) {
            Ok(exchange) => exchange.run(out),
            Err(why) => answer(out, 502, &why),
        }
    }
}

/// The server to forward to, with the path of this request.
fn upstream(request: &IncomingRequest) -> Result<Url, String> {
    let configured = store::get("upstream").map_err(|error| format!("configuration: {error:?}"))?;
    let named = || {
        let values = request.headers().get("x-upstream");
        String::from_utf8(values.into_iter().next()?).ok()
    };
    let base =
        configured.or_else(named).ok_or("no upstream is configured, nor named by x-upstream")?;
    let path = request.path_with_query().unwrap_or_else(|| "/".to_string());
    Url::parse(&base, &path).ok_or_else(|| format!("{base}: not an http or https URL"))
}

/// The fields that may be passed on: the host refuses `host`, `connection` and others of their kind.
fn copy(fields: &Fields) -> Fields {
    let copy = Fields::new();
    for (name, value) in fields.entries() {
        if name != "x-upstream" {
            let _ = copy.append(&name, &value);
        }
    }
    copy
}

/// A request under way: its body on the way up, its response awaited.
struct Exchange {
    upload: Option<Body>,
    response: FutureIncomingResponse,
}

/// A body that is being passed on. The pump is declared first: streams are dropped before the bodies they belong to.
struct Body {
    pump: Pump,
    _from: IncomingBody,
    to: OutgoingBody,
}

impl Body {
    fn new(from: IncomingBody, to: OutgoingBody) -> Result<Self, String> {
        let input = from.stream().map_err(|()| "the body was already read")?;
        let output = to.write().map_err(|()| "the body was already written")?;
        Ok(Self { pump: Pump { input, output, unflushed: false.into() }, _from: from, to })
    }

    fn finish(self) {
        let Self { pump, to, .. } = self;
        drop(pump);
        let _ = OutgoingBody::finish(to, None);
    }
}

impl Exchange {
    fn start(request: IncomingRequest, url: &Url) -> Result<Self, String> {
        let forwarded = OutgoingRequest::new(copy(&request.headers()));
        let set = forwarded
            .set_method(&request.method())
            .and_then(|()| forwarded.set_scheme(Some(&url.scheme)))
            .and_then(|()| forwarded.set_authority(Some(&url.authority)))
            .and_then(|()| forwarded.set_path_with_query(Some(&url.path)));
        set.map_err(|()| format!("{}: the host refuses this address", url.authority))?;

        let to = forwarded.body().map_err(|()| "the body was already taken")?;
        let from = request.consume().map_err(|()| "the body was already taken")?;
        let upload = Body::new(from, to)?;
        let response =
            outgoing_handler::handle(forwarded, None).map_err(|code| code.to_string())?;
        Ok(Self { upload: Some(upload), response })
    }

    /// Moves what can be moved, in both directions, until the response is through.
    fn run(mut self, out: ResponseOutparam) {
        let mut out = Some(out);
        let mut download: Option<Body> = None;
        loop {
            let mut waits = Vec::new();
            match self.upload.as_ref().map(|body| body.pump.step()) {
                None => {}
                Some(Ok(Step::Moved)) => continue,
                Some(Ok(Step::Wait(ready))) => waits.push(ready),
                Some(Ok(Step::Done)) => self.upload.take().into_iter().for_each(Body::finish),
                // The server stopped reading: what it has to say comes in the response.
                Some(Err(_)) => self.upload = None,
            }
            match download.as_ref().map(|body| body.pump.step()) {
                Some(Ok(Step::Moved)) => continue,
                Some(Ok(Step::Wait(ready))) => waits.push(ready),
                Some(Ok(Step::Done)) => return download.into_iter().for_each(Body::finish),
                Some(Err(_)) => return, // unfinished, so that the client sees that it was cut off
                None => match self.response.get() {
                    None => waits.push(self.response.subscribe()),
                    Some(result) => {
                        let Some(out) = out.take() else { return };
                        match result.expect("the response is taken once") {
                            Err(code) => return answer(out, 502, &code.to_string()),
                            Ok(response) => match pass_head(response, out) {
                                Some(body) => download = Some(body),
                                None => return,
                            },
                        }
                        continue;
                    }
                },
            }
            poll::poll(&waits.iter().collect::<Vec<_>>());
        }
    }
}

/// Answers with the head of `response`; what is left to do is its body.
fn pass_head(response: IncomingResponse, out: ResponseOutparam) -> Option<Body> {
    let forwarded = OutgoingResponse::new(copy(&response.headers()));
    let _ = forwarded.set_status_code(response.status());
    let to = forwarded.body().ok()?;
    let from = response.consume().ok()?;
    ResponseOutparam::set(out, Ok(forwarded));
    Body::new(from, to).ok()
}

fn answer(out: ResponseOutparam, status: u16, text: &str) {
    let response = OutgoingResponse::new(Fields::new());
    let _ = response.set_status_code(status);
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    for part in [text.as_bytes(), b"\n"].concat().chunks(4096) {
        if stream.blocking_write_and_flush(part).is_err() {
            break;
        }
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

export!(Proxy);
