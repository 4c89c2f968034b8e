//! WIT as text, from components and from packages in their binary form, and bindings of it for guests.

use std::ffi::{CStr, c_char, c_void};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use wit_bindgen_core::Files;
use wit_component::{DecodedWasm, OutputToString, StringEncoding, WitPrinter};
use wit_parser::{Resolve, WorldId};

use crate::componentize::{slice_of, text_of};
use crate::to_c_string;

fn print(bytes: &[u8], alone: bool) -> Result<String> {
    let decoded = wit_component::decode(bytes)?;
    let (resolve, main) = (decoded.resolve(), decoded.package());
    if alone && matches!(decoded, DecodedWasm::Component(..)) {
        bail!("a component, not a package");
    }
    let others: Vec<_> =
        resolve.packages.iter().map(|(id, _)| id).filter(|id| !alone && *id != main).collect();
    let mut printer = WitPrinter::new(OutputToString::default());
    printer.print(resolve, main, &others)?;
    Ok(printer.output.to_string())
}

/// The world of this name in a folder (with what it uses in its folder deps/) or file; its only one without a name.
pub(crate) fn load(path: &str, world: Option<&str>) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let (package, _) = resolve
        .push_path(Path::new(path))
        .map_err(|error| anyhow!("{}", resolve.render_error(&error)))
        .with_context(|| path.to_string())?;
    let world = resolve.select_world(&[package], world)?;
    Ok((resolve, world))
}

/// Notes in a core module which world it was written for.
pub(crate) fn embed(module: &[u8], path: &str, world: Option<&str>) -> Result<Vec<u8>> {
    let (resolve, world) = load(path, world)?;
    let mut module = module.to_vec();
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    Ok(module)
}

fn bindgen(language: &str, path: &str, world: Option<&str>) -> Result<Files> {
    let mut generator = match language {
        "c" => wit_bindgen_c::Opts::default().build(),
        "go" => wit_bindgen_go::Opts::default().build(),
        _ => bail!("no bindings are made for {language}: there is c (also for C++ and Zig) and go"),
    };
    let (mut resolve, world) = load(path, world)?;
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files)?;
    Ok(files)
}

fn give(result: Result<String>, text: &mut *mut c_char) -> bool {
    let (done, given) = match result {
        Ok(given) => (true, given),
        Err(error) => (false, format!("{error:#}")),
    };
    *text = to_c_string(given);
    done
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_wit_text(
    bytes: *const u8,
    length: usize,
    alone: bool,
    text: &mut *mut c_char,
) -> bool {
    give(print(unsafe { slice_of(bytes, length) }, alone), text)
}

type File = extern "C" fn(*mut c_void, *const c_char, *const u8, usize);

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_bindgen(
    language: *const c_char,
    path: *const c_char,
    world: *const c_char,
    file: File,
    context: *mut c_void,
    message: &mut *mut c_char,
) -> bool {
    let language = unsafe { CStr::from_ptr(language) }.to_string_lossy();
    let path = unsafe { CStr::from_ptr(path) }.to_string_lossy();
    match bindgen(&language, &path, unsafe { text_of(world) }.as_deref()) {
        Ok(files) => {
            for (name, contents) in files.iter() {
                let name = std::ffi::CString::new(name).unwrap_or_default();
                file(context, name.as_ptr(), contents.as_ptr(), contents.len());
            }
            true
        }
        Err(error) => give(Err(error), message),
    }
}
