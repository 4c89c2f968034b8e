//! A core module made a component: a WASI preview1 program, or what was written for a world.

use std::borrow::Cow;
use std::ffi::{CStr, c_char};
use std::slice;

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::exit_status::keep_exit_status;
use crate::own_memory::give_own_memory;
use crate::to_c_string;
use crate::whole_writes::write_whole;
use crate::wit::embed;

/// # Safety
/// `length` bytes lie at `bytes`, and stay there; it may be null where there are none.
pub(crate) unsafe fn slice_of<'a>(bytes: *const u8, length: usize) -> &'a [u8] {
    if length == 0 { &[] } else { unsafe { slice::from_raw_parts(bytes, length) } }
}

/// # Safety
/// `text` is null or ends in a zero byte.
pub(crate) unsafe fn text_of<'a>(text: *const c_char) -> Option<Cow<'a, str>> {
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy())
}

/// Whether a module imports preview1, and whether it is a program, which has a start.
fn preview1(module: &[u8]) -> anyhow::Result<(bool, bool)> {
    let (mut imports, mut program) = (false, false);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imports |= import?.module == WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME;
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    program |= export?.name == "_start";
                }
            }
            _ => {}
        }
    }
    Ok((imports, program))
}

fn componentize_for(
    module: &[u8],
    wit: Option<&str>,
    world: Option<&str>,
) -> Result<Vec<u8>, String> {
    let make = || {
        let mut module = match wit {
            Some(wit) => Cow::Owned(embed(module, wit, world)?),
            None => Cow::Borrowed(module),
        };
        let (imports, program) = preview1(&module)?;
        if program {
            module =
                Cow::Owned(keep_exit_status(&module).map_err(anyhow::Error::msg)?.into_owned());
        }
        let mut encoder = ComponentEncoder::default().validate(true).module(&module)?;
        let adapter = if program {
            WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER
        } else {
            WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER
        };
        if imports || program {
            encoder = encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, &write_whole(adapter))?;
        }
        encoder.encode()
    };
    make().map_err(|error: anyhow::Error| format!("{error:#}"))
}

fn give(
    made: Result<Vec<u8>, String>,
    out: &mut *mut u8,
    out_length: &mut usize,
    message: &mut *mut c_char,
) -> bool {
    match made {
        Ok(component) => {
            let component = Box::leak(component.into_boxed_slice());
            *out_length = component.len();
            *out = component.as_mut_ptr();
            true
        }
        Err(text) => {
            *message = to_c_string(text);
            false
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_componentize(
    module: *const u8,
    length: usize,
    wit: *const c_char,
    world: *const c_char,
    out: &mut *mut u8,
    out_length: &mut usize,
    message: &mut *mut c_char,
) -> bool {
    let module = unsafe { slice_of(module, length) };
    let (wit, world) = unsafe { (text_of(wit), text_of(world)) };
    give(componentize_for(module, wit.as_deref(), world.as_deref()), out, out_length, message)
}

fn componentize(module: &[u8]) -> Result<Vec<u8>, String> {
    let module = give_own_memory(module)?;
    let module = keep_exit_status(&module)?;
    let adapter = write_whole(WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER);
    let encode = || {
        ComponentEncoder::default()
            .validate(true)
            .module(&module)?
            .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, &adapter)?
            .encode()
    };
    encode().map_err(|error| format!("{error:#}"))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_componentize_command(
    module: *const u8,
    length: usize,
    out: &mut *mut u8,
    out_length: &mut usize,
    message: &mut *mut c_char,
) -> bool {
    let module = unsafe { slice_of(module, length) };
    give(componentize(module), out, out_length, message)
}

/// # Safety
/// `bytes` and `length` came from a function of this library and are not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_bytes_delete(bytes: *mut u8, length: usize) {
    if !bytes.is_null() {
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(bytes, length)) });
    }
}
