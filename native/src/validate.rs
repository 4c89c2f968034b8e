//! Validation by the reference validator.

use std::ffi::c_char;
use std::slice;

use wasmparser::{Parser, ValidPayload, Validator, WasmFeatures};

use crate::to_c_string;

fn validate(bytes: &[u8], bodies: bool) -> Result<(), (usize, String)> {
    let fault = |error: wasmparser::BinaryReaderError| (error.offset() as usize, error.message().to_string());
    // All of the Component Model that has a binary form: what the host does not carry out, it names itself.
    let features = WasmFeatures::default()
        | WasmFeatures::CM_ASYNC
        | WasmFeatures::CM_ASYNC_STACKFUL
        | WasmFeatures::CM_MORE_ASYNC_BUILTINS
        | WasmFeatures::CM_THREADING
        | WasmFeatures::CM64
        | WasmFeatures::CM_ERROR_CONTEXT
        | WasmFeatures::CM_FIXED_LENGTH_LISTS
        | WasmFeatures::CM_MAP
        | WasmFeatures::CM_IMPLEMENTS;
    let mut validator = Validator::new_with_features(features);
    let mut allocations = wasmparser::FuncValidatorAllocations::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(fault)?;
        if let ValidPayload::Func(function, body) = validator.payload(&payload).map_err(fault)?
            && bodies
        {
            let mut function = function.into_validator(std::mem::take(&mut allocations));
            function.validate(&body).map_err(fault)?;
            allocations = function.into_allocations();
        }
    }
    Ok(())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_validate(
    bytes: *const u8,
    length: usize,
    function_bodies: bool,
    offset: &mut usize,
    message: &mut *mut c_char,
) -> bool {
    let bytes = if length == 0 { &[] } else { unsafe { slice::from_raw_parts(bytes, length) } };
    match validate(bytes, function_bodies) {
        Ok(()) => true,
        Err((at, text)) => {
            *offset = at;
            *message = to_c_string(text);
            false
        }
    }
}
