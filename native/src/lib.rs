//! The engine's C API, whole, and beside it a few C functions over the reference tools and over what the C API leaves
//! out. `include/unbolt_native.h` documents them. No logic of ours lives here.

pub use wasmtime_c_api::*;

mod componentize;
mod engine;
mod exit_status;
mod function_cache;
mod fuse;
mod own_memory;
mod split;
mod validate;
mod whole_writes;
mod wit;

/// Gives a Rust string to C: the caller frees it with `unbolt_string_delete`.
pub(crate) fn to_c_string(text: String) -> *mut std::ffi::c_char {
    let clean = text.replace('\0', "\\0");
    std::ffi::CString::new(clean).unwrap_or_default().into_raw()
}

/// # Safety
/// `text` came from a function of this library and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_string_delete(text: *mut std::ffi::c_char) {
    if !text.is_null() {
        drop(unsafe { std::ffi::CString::from_raw(text) });
    }
}
