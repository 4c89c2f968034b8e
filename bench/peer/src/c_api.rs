//! The engine's component C API, called as C calls it: values are trees, and a list of bytes is a value for each byte.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

use wasmtime::Result;
use wasmtime::component::{Func, Instance};
use wasmtime_c_api::*;

use crate::host::{ALL, HOST, LOOPS, TEXT};
use crate::series::Series;

type Error = Option<Box<wasmtime_error_t>>;
type Context<'a> = WasmtimeStoreContextMut<'a>;
type Type = wasmtime_component_func_type_t;
type Val = wasmtime_component_val_t;

extern "C" fn scalar(_: *mut c_void, _: Context, _: &Type, args: *mut Val, _: usize, out: *mut Val, _: usize) -> Error {
    let Val::U32(x) = (unsafe { &*args }) else { unreachable!() };
    unsafe { *out = Val::U32(x + 1) };
    None
}

extern "C" fn text(_: *mut c_void, _: Context, _: &Type, _: *mut Val, _: usize, out: *mut Val, _: usize) -> Error {
    unsafe { *out = Val::String(TEXT.as_bytes().to_vec().into()) };
    None
}

extern "C" fn turn(_: *mut c_void, _: Context, _: &Type, args: *mut Val, _: usize, out: *mut Val, _: usize) -> Error {
    unsafe { *out = (*args).clone() };
    None
}

/// Into the host's own bytes, and back.
extern "C" fn bytes(_: *mut c_void, _: Context, _: &Type, args: *mut Val, _: usize, out: *mut Val, _: usize) -> Error {
    let Val::List(list) = (unsafe { &*args }) else { unreachable!() };
    let byte = |value: &Val| if let Val::U8(byte) = value { *byte } else { unreachable!() };
    let kept: Vec<u8> = list.as_slice().iter().map(byte).collect();
    unsafe { *out = Val::List(kept.into_iter().map(Val::U8).collect::<Vec<_>>().into()) };
    None
}

extern "C" fn forget(_: *mut c_void, _: Context, _: u32) -> Error {
    None
}

fn done(error: Error) {
    assert!(error.is_none(), "the component C API refused a step");
}

unsafe fn define(linker: &mut wasmtime_component_linker_t) {
    let mut root = wasmtime_component_linker_root(linker);
    let mut host = null_mut();
    unsafe {
        let root: *mut wasmtime_component_linker_instance_t<'_> = &mut *root;
        done(wasmtime_component_linker_instance_add_instance(&mut *root, HOST.as_ptr(), HOST.len(), &mut host));
        let thing = wasmtime_component_resource_type_new_host(1);
        done(wasmtime_component_linker_instance_add_resource(
            &mut *host, "thing".as_ptr(), 5, &thing, forget, null_mut(), None,
        ));
        let funcs: [(&str, wasmtime_component_func_callback_t); 4] =
            [("scalar", scalar), ("text", text), ("turn", turn), ("bytes", bytes)];
        for (name, callback) in funcs {
            done(wasmtime_component_linker_instance_add_func(
                &mut *host, name.as_ptr(), name.len(), callback, null_mut(), None,
            ));
        }
        wasmtime_component_linker_instance_delete(Box::from_raw(host));
    }
}

/// All but the resource, which the API has no constructor for.
pub fn host_calls(component: &[u8]) -> Result<Vec<Series>> {
    let mut config = wasm_config_new();
    wasmtime_config_epoch_interruption_set(&mut config, true);
    wasmtime_config_wasm_component_model_set(&mut config, true);
    let engine = wasm_engine_new_with_config(config);
    let mut all = Vec::new();
    for (figure, name, times) in ALL.into_iter().filter(|(figure, ..)| *figure != "resource") {
        let mut compiled = null_mut();
        let mut linker = wasmtime_component_linker_new(&engine);
        let store = Box::leak(wasmtime_store_new(&engine, null_mut(), None));
        wasmtime_context_set_epoch_deadline(wasmtime_store_context(store), 1);
        let (mut instance, mut func) = (MaybeUninit::<Instance>::uninit(), MaybeUninit::<Func>::uninit());
        unsafe {
            done(wasmtime_component_new(&engine, component.as_ptr(), component.len(), &mut compiled));
            define(&mut linker);
            done(wasmtime_component_linker_define_unknown_imports_as_traps(&mut linker, &*compiled));
            done(wasmtime_component_linker_instantiate(
                &linker, wasmtime_store_context(store), &*compiled, &mut *instance.as_mut_ptr(),
            ));
            let loops = wasmtime_component_get_export_index(&*compiled, null(), LOOPS.as_ptr(), LOOPS.len()).unwrap();
            let index = wasmtime_component_get_export_index(&*compiled, &*loops, name.as_ptr(), name.len()).unwrap();
            let found = wasmtime_component_instance_get_func(
                &*instance.as_ptr(), wasmtime_store_context(store), &index, &mut *func.as_mut_ptr(),
            );
            assert!(found);
        }
        let func = unsafe { func.assume_init() };
        // Fewer of the list: a crossing takes milliseconds.
        let times = if figure == "bytes" { times / 100 } else { times / 4 };
        all.push(Series::new(format!("abi.{figure}.capi"), "ns", times, move |times| {
            let (args, mut results) = ([Val::U32(times)], [Val::Bool(false)]);
            let context = wasmtime_store_context(store);
            done(unsafe { wasmtime_component_func_call(&func, context, args.as_ptr(), 1, results.as_mut_ptr(), 1) });
            Ok(())
        }));
    }
    Ok(all)
}
