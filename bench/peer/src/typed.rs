//! The typed path of the engine's component API: `component::Linker::func_wrap`.

use wasmtime::component::{
    Component, ComponentType, Instance, Lift, Linker, Lower, Resource, ResourceTable, ResourceType, TypedFunc,
};
use wasmtime::{Result, Store, StoreContextMut};

use crate::host::{ALL, HOST, LOOPS, TEXT, engine};
use crate::series::Series;

#[derive(Clone, Copy, ComponentType, Lift, Lower)]
#[component(record)]
struct Eight {
    a: u8,
    b: u16,
    c: u32,
    d: u64,
    e: i32,
    f: f32,
    g: f64,
    h: bool,
}

struct Thing {
    _n: u32,
}

struct Host {
    table: ResourceTable,
}

/// A function `func(times: u32) -> u32` of an exported interface, or of the world.
fn find(
    store: &mut Store<Host>,
    instance: &Instance,
    interface: Option<&str>,
    name: &str,
) -> Result<TypedFunc<(u32,), (u32,)>> {
    let outer = interface.and_then(|interface| instance.get_export_index(&mut *store, None, interface));
    let index = instance.get_export_index(&mut *store, outer.as_ref(), name).expect("the guest has it");
    instance.get_typed_func(store, index)
}

fn start(bytes: &[u8], define: impl FnOnce(&mut Linker<Host>) -> Result<()>) -> Result<(Store<Host>, Instance)> {
    let engine = engine()?;
    let mut linker = Linker::new(&engine);
    define(&mut linker)?;
    let mut store =
        Store::new(&engine, Host { table: ResourceTable::new() });
    store.set_epoch_deadline(1);
    let instance = linker.instantiate(&mut store, &Component::new(&engine, bytes)?)?;
    Ok((store, instance))
}

fn define(linker: &mut Linker<Host>) -> Result<()> {
    let mut host = linker.instance(HOST)?;
    host.func_wrap("scalar", |_, (x,): (u32,)| Ok((x + 1,)))?;
    // A copy each way, as with us. (The typed path has a view of what comes in, too, which ends before the host's own data
    // can be written.)
    host.func_wrap("bytes", |_, (x,): (Vec<u8>,)| Ok((x,)))?;
    host.func_wrap("text", |_, ()| Ok((TEXT,)))?;
    host.func_wrap("turn", |_, (x,): (Eight,)| Ok((Eight { c: x.c + 1, ..x },)))?;
    host.resource("thing", ResourceType::host::<Thing>(), |mut store, rep| {
        store.data_mut().table.delete(Resource::<Thing>::new_own(rep))?;
        Ok(())
    })?;
    host.func_wrap("[constructor]thing", |mut store: StoreContextMut<'_, Host>, (n,): (u32,)| {
        Ok((store.data_mut().table.push(Thing { _n: n })?,))
    })
}

pub fn host_calls(bytes: &[u8]) -> Result<Vec<Series>> {
    let mut all = Vec::new();
    for (figure, name, times) in ALL {
        let (mut store, instance) = start(bytes, define)?;
        let func = find(&mut store, &instance, Some(LOOPS), name)?;
        all.push(Series::new(format!("abi.{figure}.typed"), "ns", times, move |times| {
            func.call(&mut store, (times,)).map(|_| ())
        }));
    }
    Ok(all)
}

pub fn guest_to_guest(bytes: &[u8]) -> Result<Vec<Series>> {
    let mut all = Vec::new();
    for (figure, name) in [("pass.number", "numbers"), ("pass.string", "strings")] {
        let (mut store, instance) = start(bytes, |_| Ok(()))?;
        let func = find(&mut store, &instance, None, name)?;
        all.push(Series::new(format!("abi.{figure}.typed"), "ns", 50_000, move |times| {
            func.call(&mut store, (times,)).map(|_| ())
        }));
    }
    Ok(all)
}
