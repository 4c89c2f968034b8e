//! Answers requests. Edit it while `unbolt dev` runs.

mod http;

use http::{Request, Response};

wit_bindgen::generate!({ path: "wit", generate_all });

struct Component;
export!(Component);

fn handle(request: Request) -> Response {
    Response { status: 200, body: format!("Hello from @NAME@: {:?} {}\n", request.method, request.path) }
}
