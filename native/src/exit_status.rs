//! The exit status of a preview1 program, kept when it becomes a component.
//!
//! The adapter's `proc_exit` calls `wasi:cli/exit`'s `exit`, which knows success and failure alone. Its
//! `exit-with-code` has the same core type as `proc_exit`, so a program can import that instead.

use std::borrow::Cow;

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{ImportSection, Module, RawSection};
use wasmparser::{Parser, Payload};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const PREVIEW1: &str = "wasi_snapshot_preview1";
const PROC_EXIT: &str = "proc_exit";
const EXIT: &str = "wasi:cli/exit@0.2.12";
const EXIT_WITH_CODE: &str = "exit-with-code";
// The interface as the adapter has it, and the function that is still marked as unstable.
const WIT: &str = "
    package wasi:cli@0.2.12;
    interface exit {
        exit: func(status: result);
        exit-with-code: func(status-code: u8);
    }
    world program { import exit; }
";

/// The module as it is, where it imports no `proc_exit`, or anything else than preview1 (it then has a world of its
/// own).
pub fn keep_exit_status(module: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{error}");
    let mut out = Module::new();
    let mut found = false;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.map_err(|e| failed(&e))?;
        if let Payload::ImportSection(section) = &payload {
            let mut imports = ImportSection::new();
            for import in section.clone().into_imports() {
                let import = import.map_err(|e| failed(&e))?;
                if import.module != PREVIEW1 {
                    return Ok(Cow::Borrowed(module));
                }
                let exits = import.name == PROC_EXIT;
                found |= exits;
                let (from, name) = if exits { (EXIT, EXIT_WITH_CODE) } else { (import.module, import.name) };
                let of = RoundtripReencoder.entity_type(import.ty).map_err(|e| failed(&e))?;
                imports.import(from, name, of);
            }
            out.section(&imports);
        } else if let Some((id, range)) = payload.as_section() {
            out.section(&RawSection { id, data: &module[range.start as usize..range.end as usize] });
        }
    }
    if !found {
        return Ok(Cow::Borrowed(module));
    }
    let mut out = out.finish();
    let mut resolve = Resolve::default();
    let package = resolve.push_str("exit.wit", WIT).map_err(|e| failed(&e))?;
    let world = resolve.select_world(&[package], None).map_err(|e| failed(&e))?;
    embed_component_metadata(&mut out, &resolve, world, StringEncoding::UTF8).map_err(|e| failed(&e))?;
    Ok(Cow::Owned(out))
}
