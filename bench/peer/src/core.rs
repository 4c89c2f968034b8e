//! The machine's limit: the guest's core module by itself, its imports met with `Linker::func_wrap` by functions that are
//! written by hand for these types and check nothing.

use wasmtime::{Caller, Linker, Memory, Module, Result, Store, TypedFunc};

use crate::host::{ALL, BLOCK, HOST, LOOPS, TEXT, engine};
use crate::series::Series;

struct Host {
    kept: Box<[u8; BLOCK]>,
    things: Vec<Box<u32>>,
    memory: Option<Memory>,
    realloc: Option<TypedFunc<(u32, u32, u32, u32), u32>>,
}

/// The first core module of a component (Binary.md, "Component Definitions"): wit-component puts the main one there.
fn first_core_module(component: &[u8]) -> &[u8] {
    let mut rest = &component[8..];
    loop {
        let id = rest[0];
        let (mut size, mut shift, mut at) = (0, 0, 1);
        loop {
            size |= usize::from(rest[at] & 0x7f) << shift;
            at += 1;
            if rest[at - 1] & 0x80 == 0 {
                break;
            }
            shift += 7;
        }
        if id == 1 {
            return &rest[at..at + size];
        }
        rest = &rest[at + size..];
    }
}

/// Into new memory of the guest's; pointer and length go to `out`.
fn give(caller: &mut Caller<'_, Host>, size: usize, out: u32, copy: impl FnOnce(&mut [u8], &Host)) -> Result<()> {
    let realloc = caller.data().realloc.clone().unwrap();
    let pointer = realloc.call(&mut *caller, (0, 0, 1, size as u32))?;
    let memory = caller.data().memory.unwrap();
    let (memory, host) = memory.data_and_store_mut(caller);
    copy(&mut memory[pointer as usize..][..size], host);
    memory[out as usize..][..4].copy_from_slice(&pointer.to_le_bytes());
    memory[out as usize + 4..][..4].copy_from_slice(&(size as u32).to_le_bytes());
    Ok(())
}

#[allow(clippy::too_many_arguments)] // the fields of the record
fn turn(
    mut caller: Caller<'_, Host>, a: u32, b: u32, c: u32, d: u64, e: i32, f: f32, g: f64, h: u32, out: u32,
) {
    let memory = caller.data().memory.unwrap();
    let to = &mut memory.data_mut(&mut caller)[out as usize..][..48];
    to[0] = a as u8;
    to[2..4].copy_from_slice(&(b as u16).to_le_bytes());
    to[4..8].copy_from_slice(&(c + 1).to_le_bytes());
    to[8..16].copy_from_slice(&d.to_le_bytes());
    to[16..20].copy_from_slice(&e.to_le_bytes());
    to[20..24].copy_from_slice(&f.to_le_bytes());
    to[24..32].copy_from_slice(&g.to_le_bytes());
    to[32] = h as u8;
}

fn define(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(HOST, "scalar", |_: Caller<'_, Host>, x: u32| x + 1)?;
    linker.func_wrap(HOST, "bytes", |mut caller: Caller<'_, Host>, from: u32, size: u32, out: u32| {
        let memory = caller.data().memory.unwrap();
        let (memory, host) = memory.data_and_store_mut(&mut caller);
        host.kept[..size as usize].copy_from_slice(&memory[from as usize..][..size as usize]);
        give(&mut caller, size as usize, out, |to, host| to.copy_from_slice(&host.kept[..to.len()]))
    })?;
    linker.func_wrap(HOST, "text", |mut caller: Caller<'_, Host>, out: u32| {
        give(&mut caller, TEXT.len(), out, |to, _| to.copy_from_slice(TEXT.as_bytes()))
    })?;
    linker.func_wrap(HOST, "turn", turn)?;
    linker.func_wrap(HOST, "[constructor]thing", |mut caller: Caller<'_, Host>, n: u32| {
        let things = &mut caller.data_mut().things;
        things.push(Box::new(n));
        things.len() as u32
    })?;
    linker.func_wrap(HOST, "[resource-drop]thing", |mut caller: Caller<'_, Host>, _: u32| {
        caller.data_mut().things.pop();
    })?;
    Ok(())
}

pub fn host_calls(component: &[u8]) -> Result<Vec<Series>> {
    let engine = engine()?;
    let module = Module::new(&engine, first_core_module(component))?;
    let mut linker = Linker::new(&engine);
    define(&mut linker)?;
    let mut all = Vec::new();
    for (figure, name, times) in ALL {
        let host = Host { kept: vec![0; BLOCK].try_into().unwrap(), things: Vec::new(), memory: None, realloc: None };
        let mut store = Store::new(&engine, host);
        store.set_epoch_deadline(1);
        let instance = linker.instantiate(&mut store, &module)?;
        store.data_mut().memory = instance.get_memory(&mut store, "memory");
        store.data_mut().realloc = Some(instance.get_typed_func(&mut store, "cabi_realloc")?);
        let func = instance.get_typed_func::<u32, u32>(&mut store, &format!("{LOOPS}#{name}"))?;
        all.push(Series::new(format!("abi.{figure}.core"), "ns", times, move |times| {
            func.call(&mut store, times).map(|_| ())
        }));
    }
    Ok(all)
}
