//! Counts the visits of each path in a key-value store. Edit it while `unbolt dev` runs: the counts stay.

mod http;

use crate::wasi::keyvalue::{atomics, store};
use http::{Request, Response};

wit_bindgen::generate!({ path: "wit", generate_all });

struct Component;
export!(Component);

fn handle(request: Request) -> Response {
    let visits = store::open("default").and_then(|bucket| atomics::increment(&bucket, &request.path, 1));
    match visits {
        Ok(visits) => Response { status: 200, body: format!("{} was visited {visits} times\n", request.path) },
        Err(error) => Response { status: 503, body: format!("the store: {error:?}\n") },
    }
}
