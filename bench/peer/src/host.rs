//! What the peers share: the engine, the guest's loops, and what the host functions answer.

use wasmtime::{Config, Engine, Result};

pub const BLOCK: usize = 64 * 1024;
pub const TEXT: &str = "sixteen letters.";
pub const HOST: &str = "bench:abi/host";
pub const LOOPS: &str = "bench:abi/loops";

/// The functions of `loops`, by the figure that they give, and how often each calls the host in a round.
pub const ALL: [(&str, &str, u32); 5] = [
    ("scalar", "scalars", 200_000),
    ("bytes", "lists", 400),
    ("text", "texts", 50_000),
    ("record", "records", 100_000),
    ("resource", "things", 50_000),
];

/// As `unbolt::engine::Engine` sets it, as far as code that runs is concerned.
pub fn config() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.max_wasm_stack(512 * 1024);
    config.async_stack_size(2 * 1024 * 1024);
    config.wasm_multi_memory(true);
    config.wasm_memory64(true);
    config
}

pub fn engine() -> Result<Engine> {
    Engine::new(&config())
}
