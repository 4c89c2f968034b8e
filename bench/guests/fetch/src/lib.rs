//! fetch AUTHORITY COUNT: so many requests, one after the other, each with its body read to the end.

use wasip2::exports::cli::run::Guest;
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{Fields, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;

struct Fetch;

fn fetch(authority: &str) -> Result<usize, ()> {
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http))?;
    request.set_authority(Some(authority))?;
    request.set_path_with_query(Some("/"))?;
    let response = handle(request, None).map_err(|_| ())?;
    response.subscribe().block();
    let response = response.get().ok_or(())??.map_err(|_| ())?;
    let body = response.consume()?;
    let stream = body.stream()?;
    let mut size = 0;
    loop {
        match stream.blocking_read(4096) {
            Ok(bytes) => size += bytes.len(),
            Err(StreamError::Closed) => return if response.status() == 200 { Ok(size) } else { Err(()) },
            Err(_) => return Err(()),
        }
    }
}

impl Guest for Fetch {
    fn run() -> Result<(), ()> {
        let arguments = wasip2::cli::environment::get_arguments();
        let [_, authority, count] = &arguments[..] else { return Err(()) };
        for _ in 0..count.parse::<u32>().map_err(|_| ())? {
            if fetch(authority)? == 0 {
                return Err(());
            }
        }
        Ok(())
    }
}

wasip2::cli::command::export!(Fetch);
