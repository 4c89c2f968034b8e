//! PUT switches the alert light on, DELETE off again. Edit it while `unbolt dev` runs.

mod http;

use crate::unbolt::pins::board::{Level, set_level};
use crate::wasi::http::types::Method;
use http::{Request, Response};

wit_bindgen::generate!({ path: "wit", generate_all });

struct Component;
export!(Component);

fn handle(request: Request) -> Response {
    let (level, text) = match request.method {
        Method::Put => (Level::High, "the alert light is on\n"),
        Method::Delete => (Level::Low, "the alert light is off\n"),
        _ => return Response { status: 405, body: "PUT or DELETE\n".into() },
    };
    match set_level("alert", level) {
        Ok(()) => Response { status: 200, body: text.into() },
        Err(error) => Response { status: 503, body: format!("the board: {error:?}\n") },
    }
}
