//! What bench/ measures, on the engine's own Rust API and on its component C API: the peers of abi_bench and
//! instance_bench. Run by bench/interleave.py beside them; one round for each line on standard input, the figures at its
//! end.
//!
//!     unbolt-bench-peer abi abi-bench.wasm pass-bench.wasm
//!     unbolt-bench-peer instance CACHE-FOLDER FILE...     an instance of each, made and dropped

mod c_api;
mod core;
mod host;
mod instance;
mod series;
mod typed;

use std::path::Path;

use wasmtime::Result;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut all = match words.as_slice() {
        ["abi", loops, pass] => {
            let (loops, pass) = (std::fs::read(loops)?, std::fs::read(pass)?);
            let mut all = typed::host_calls(&loops)?;
            all.extend(core::host_calls(&loops)?);
            all.extend(c_api::host_calls(&loops)?);
            all.extend(typed::guest_to_guest(&pass)?);
            all
        }
        ["instance", cache, files @ ..] => instance::starts(Path::new(cache), files)?,
        _ => {
            eprintln!("usage: unbolt-bench-peer abi abi-bench.wasm pass-bench.wasm | instance CACHE-FOLDER FILE...");
            std::process::exit(2);
        }
    };
    series::each_round(&mut all)
}
