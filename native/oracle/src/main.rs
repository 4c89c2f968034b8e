//! The reference engine's own component API as a process: it reads a component and calls of it from its standard
//! input and writes what they came to to its standard output, one frame for one component. Our tests compare our own
//! layer with it (tests/oracle/README.md says what a frame holds).

mod calls;
mod values;
mod wire;

use std::io::{BufReader, BufWriter, Read, Write};

use wasmtime::{Config, Engine, OptLevel};

fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model_map(true);
    config.wasm_component_model_fixed_length_lists(true);
    config.wasm_component_model_memory64(true);
    // Thousands of small components, each called a few times.
    config.cranelift_opt_level(OptLevel::None);
    config.memory_reservation(16 << 20);
    config.memory_guard_size(1 << 16);
    config.memory_init_cow(false);
    Engine::new(&config)
}

fn read_frame(input: &mut impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut frame = vec![0; u32::from_le_bytes(length) as usize];
    input.read_exact(&mut frame)?;
    Ok(Some(frame))
}

fn main() -> wasmtime::Result<()> {
    let engine = engine()?;
    let mut input = BufReader::new(std::io::stdin().lock());
    let mut output = BufWriter::new(std::io::stdout().lock());
    while let Some(frame) = read_frame(&mut input)? {
        let answer = calls::answer(&engine, &frame);
        output.write_all(&(answer.len() as u32).to_le_bytes())?;
        output.write_all(&answer)?;
        output.flush()?;
    }
    Ok(())
}
