//! Takes a .wast file apart (the test language of the WebAssembly suites): its commands as JSON, as wasm-tools'
//! `json-from-wast` spells them, and the components they name as files beside it.
//!
//! For each of these files there is also the verdict of the parser and validator that this program carries, which is
//! newer than the one the engine locks: what is text can only be judged here, and what the engine's validator does not
//! know yet is judged here by name (../README.md).

use anyhow::{Context, Result};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use wasmparser::{Validator, WasmFeatures};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, flag, out] = args.as_slice() else {
        eprintln!("usage: unbolt-wast FILE.wast --out DIR");
        return ExitCode::from(2);
    };
    if flag != "--out" {
        eprintln!("error: unknown option {flag}");
        return ExitCode::from(2);
    }
    match run(file, Path::new(out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(file: &str, out: &Path) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
    let located = |mut error: wast::Error| {
        error.set_path(file.as_ref());
        error.set_text(&text);
        error
    };
    // Suites spell strings that are not text on purpose.
    let mut lexer = wast::lexer::Lexer::new(&text);
    lexer.allow_confusing_unicode(true);
    let buffer = wast::parser::ParseBuffer::new_with_lexer(lexer).map_err(located)?;
    let ast = wast::parser::parse::<wast::Wast>(&buffer).map_err(located)?;
    let wast = json_from_wast::Opts::default()
        .module_filename("m")
        .convert(file, &text, ast)?;

    std::fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    let mut verdicts = serde_json::Map::new();
    for (name, bytes) in &wast.wasms {
        std::fs::write(out.join(name), bytes)?;
        let verdict = judge(bytes).err().map(|error| format!("{error:#}"));
        verdicts.insert(name.clone(), json!(verdict));
    }
    let commands = json!({ "commands": wast.commands, "verdicts": verdicts });
    std::fs::write(out.join("commands.json"), serde_json::to_vec_pretty(&commands)?)?;
    Ok(())
}

fn judge(bytes: &[u8]) -> Result<()> {
    let binary = wat::parse_bytes(bytes)?;
    Validator::new_with_features(WasmFeatures::all()).validate_all(&binary)?;
    Ok(())
}
