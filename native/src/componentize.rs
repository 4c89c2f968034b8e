//! A core module that is a WASI preview1 program, made a component.

use std::ffi::c_char;
use std::slice;

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
};
use wit_component::ComponentEncoder;

use crate::exit_status::keep_exit_status;
use crate::own_memory::give_own_memory;
use crate::to_c_string;
use crate::whole_writes::write_whole;

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
    let module = if length == 0 { &[] } else { unsafe { slice::from_raw_parts(module, length) } };
    match componentize(module) {
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

/// # Safety
/// `bytes` and `length` came from a function of this library and are not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_bytes_delete(bytes: *mut u8, length: usize) {
    if !bytes.is_null() {
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(bytes, length)) });
    }
}
