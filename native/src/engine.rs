//! What the engine offers in Rust and its C API does not.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::{MaybeUninit, size_of};
use std::pin::Pin;
use std::slice;
use std::task::{Context, Poll, Waker};

use wasmtime::{
    Enabled, Engine, Extern, Instance, InstancePre, Module, ModuleExport, PoolingAllocationConfig, Trap,
};
use wasmtime_c_api::*;

// The C API's handles are structs of one field that it keeps to itself; these reach it. A new release that adds a field
// fails to build here.
const _: () = assert!(size_of::<wasmtime_module_t>() == size_of::<Module>());
const _: () = assert!(size_of::<wasm_engine_t>() == size_of::<Engine>());
const _: () = assert!(size_of::<wasmtime_instance_pre_t>() == size_of::<InstancePre<WasmtimeStoreData>>());
const _: () =
    assert!(size_of::<wasmtime_pooling_allocation_config_t>() == size_of::<PoolingAllocationConfig>());

fn module_of(module: &wasmtime_module_t) -> &Module {
    unsafe { &*std::ptr::from_ref(module).cast() }
}
fn engine_of(engine: &wasm_engine_t) -> &Engine {
    unsafe { &*std::ptr::from_ref(engine).cast() }
}
fn pre_of(pre: &wasmtime_instance_pre_t) -> &InstancePre<WasmtimeStoreData> {
    unsafe { &*std::ptr::from_ref(pre).cast() }
}

#[unsafe(no_mangle)]
pub extern "C" fn unbolt_pool_use_pagemap_scan(config: &mut wasmtime_pooling_allocation_config_t) -> bool {
    let config: &mut PoolingAllocationConfig = unsafe { &mut *std::ptr::from_mut(config).cast() };
    if !PoolingAllocationConfig::is_pagemap_scan_available() {
        return false;
    }
    config.pagemap_scan(Enabled::Yes);
    true
}

#[unsafe(no_mangle)]
pub extern "C" fn unbolt_engine_compatibility_hash(engine: &wasm_engine_t) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine_of(engine).precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_module_export(
    module: &wasmtime_module_t,
    name: *const u8,
    length: usize,
) -> Option<Box<ModuleExport>> {
    let name = std::str::from_utf8(unsafe { slice::from_raw_parts(name, length) }).ok()?;
    module_of(module).get_export_index(name).map(Box::new)
}

#[unsafe(no_mangle)]
pub extern "C" fn unbolt_module_export_delete(_export: Option<Box<ModuleExport>>) {}

#[unsafe(no_mangle)]
pub extern "C" fn unbolt_instance_export(
    store: WasmtimeStoreContextMut<'_>,
    instance: &Instance,
    export: &ModuleExport,
    out: &mut MaybeUninit<wasmtime_extern_t>,
) -> bool {
    match instance.get_module_export(store, export) {
        Some(item) => {
            out.write(item.into());
            true
        }
        None => false,
    }
}

/// An instantiation that waits for something. C sees a pointer.
pub struct Instantiation<'a> {
    future: Pin<Box<dyn Future<Output = ()> + 'a>>,
}

impl<'a> Instantiation<'a> {
    /// Polls once: most instantiations have no start function and end here.
    fn start(mut future: Pin<Box<dyn Future<Output = ()> + 'a>>) -> Option<Box<Self>> {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(()) => None,
            Poll::Pending => Some(Box::new(Self { future })),
        }
    }
}

/// A module with what its instantiation needs found out once. C sees a pointer.
pub struct Prepared {
    module: Module,
    imports: Imports,
    exports: Vec<(usize, ModuleExport)>,
}
enum Imports {
    Host(InstancePre<WasmtimeStoreData>),
    Slots(Box<[u32]>),
}

#[unsafe(no_mangle)]
pub extern "C" fn unbolt_prepared_from_pre(pre: &wasmtime_instance_pre_t) -> Box<Prepared> {
    let pre = pre_of(pre);
    Box::new(Prepared { module: pre.module().clone(), imports: Imports::Host(pre.clone()), exports: Vec::new() })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_prepared_from_slots(
    module: &wasmtime_module_t,
    slots: *const u32,
    count: usize,
) -> Box<Prepared> {
    let slots = if count == 0 { Box::default() } else { unsafe { slice::from_raw_parts(slots, count) }.into() };
    Box::new(Prepared { module: module_of(module).clone(), imports: Imports::Slots(slots), exports: Vec::new() })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_prepared_keep(
    prepared: &mut Prepared,
    name: *const u8,
    length: usize,
    slot: usize,
) -> bool {
    let name = std::str::from_utf8(unsafe { slice::from_raw_parts(name, length) });
    match name.ok().and_then(|name| prepared.module.get_export_index(name)) {
        Some(export) => {
            prepared.exports.push((slot, export));
            true
        }
        None => false,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn unbolt_prepared_delete(_prepared: Option<Box<Prepared>>) {}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_instantiate<'a>(
    mut store: WasmtimeStoreContextMut<'a>,
    prepared: &'a Prepared,
    slots: *mut wasmtime_extern_t,
    instance: &'a mut MaybeUninit<Instance>,
    error_out: &'a mut *mut wasmtime_error_t,
) -> Option<Box<Instantiation<'a>>> {
    Instantiation::start(Box::pin(async move {
        let result = match &prepared.imports {
            Imports::Host(pre) => pre.instantiate_async(&mut store).await,
            Imports::Slots(indices) => {
                let item = |index: &u32| unsafe { (*slots.add(*index as usize)).to_extern() };
                let imports: Vec<Extern> = indices.iter().map(item).collect();
                Instance::new_async(&mut store, &prepared.module, &imports).await
            }
        };
        match result {
            Ok(value) => {
                for (slot, export) in &prepared.exports {
                    if let Some(item) = value.get_module_export(&mut store, export) {
                        unsafe { slots.add(*slot).write(item.into()) };
                    }
                }
                instance.write(value);
            }
            Err(error) => *error_out = Box::into_raw(Box::new(wasmtime_error_t::from(error))),
        }
    }))
}

#[unsafe(no_mangle)]
pub extern "C" fn unbolt_instantiation_poll(instantiation: &mut Instantiation<'_>) -> bool {
    instantiation.future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[unsafe(no_mangle)]
pub extern "C" fn unbolt_instantiation_delete(_instantiation: Option<Box<Instantiation<'_>>>) {}

/// The engine's own code of a trap (`wasmtime_trap_code_t`), or -1 where the error is none of its traps.
#[unsafe(no_mangle)]
pub extern "C" fn unbolt_error_trap_code(error: &wasmtime_error_t) -> i32 {
    let error: &wasmtime::Error = unsafe { &*std::ptr::from_ref(error).cast() };
    error.downcast_ref::<Trap>().map_or(-1, |trap| *trap as u8 as i32)
}
