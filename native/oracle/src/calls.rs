//! One component and the calls of it, each in an instance of its own.

use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{Component, InstancePre, Linker, ResourceType, Val};
use wasmtime::{AsContextMut, Engine, Result, Store, StoreContextMut, bail, format_err};

use crate::values::{self, Host, Thing};
use crate::wire::{Reader, Writer};

const INTERFACE: &str = "test:oracle/host";
const RAN: u8 = 0;
const TRAPPED: u8 = 1;

/// The import: notes its arguments and answers what the case says.
fn host_func(mut store: StoreContextMut<Host>, ty: ComponentFunc, args: &[Val], results: &mut [Val]) -> Result<()> {
    let mut seen = Writer::default();
    for ((_, ty), value) in ty.params().zip(args) {
        values::write(&mut seen, &mut store, &ty, value)?;
    }
    store.data_mut().calls.push(seen.0);
    if let Some(ty) = ty.results().next() {
        let bytes = store.data().result.clone();
        results[0] = values::read(&mut Reader(&bytes), &mut store, &ty)?;
    }
    Ok(())
}

fn prepare(engine: &Engine, bytes: &[u8]) -> Result<InstancePre<Host>> {
    let component = Component::new(engine, bytes)?;
    let mut linker = Linker::<Host>::new(engine);
    let mut host = linker.instance(INTERFACE)?;
    host.resource("thing", ResourceType::host::<Thing>(), |mut store, _| {
        store.data_mut().live -= 1;
        Ok(())
    })?;
    host.func_new("f", host_func)?;
    linker.instantiate_pre(&component)
}

/// Calls the guests' `plan` functions and then `run`: the values that it returned.
fn run(pre: &InstancePre<Host>, store: &mut Store<Host>, input: &mut Reader) -> Result<Vec<u8>> {
    let steps = input.u32()?;
    let instance = pre.instantiate(&mut *store)?;
    for _ in 0..steps {
        let name = format!("plan{}", input.u32()?);
        let func = instance.get_func(&mut *store, &name).ok_or_else(|| format_err!("no {name}"))?;
        let args = [input.u32()?, input.u32()?, input.u32()?, input.u32()?].map(Val::U32);
        func.call(&mut *store, &args, &mut [])?;
    }
    let mut args_in = Reader(input.counted()?);
    store.data_mut().result = input.counted()?.to_vec();
    let func = instance.get_func(&mut *store, "run").ok_or_else(|| format_err!("no run"))?;
    let ty = func.ty(&*store);
    let mut args = Vec::new();
    for (_, ty) in ty.params() {
        args.push(values::read(&mut args_in, &mut store.as_context_mut(), &ty)?);
    }
    if !args_in.0.is_empty() {
        bail!("too many arguments");
    }
    let mut results = vec![Val::Bool(false); ty.results().len()];
    func.call(&mut *store, &args, &mut results)?;
    let mut out = Writer::default();
    for (ty, value) in ty.results().zip(&results) {
        values::write(&mut out, &mut store.as_context_mut(), &ty, value)?;
    }
    // What each guest has seen destroyed.
    for i in 0.. {
        let Some(func) = instance.get_func(&mut *store, &format!("count{i}")) else { break };
        let mut count = [Val::U32(0)];
        func.call(&mut *store, &[], &mut count)?;
        if let Val::U32(count) = count[0] {
            out.u32(count);
        }
    }
    // The lent ones are the host's again, once nobody borrows them.
    for any in std::mem::take(&mut store.data_mut().lent) {
        any.resource_drop(&mut *store)?;
    }
    Ok(out.0)
}

pub fn answer(engine: &Engine, frame: &[u8]) -> Vec<u8> {
    let mut out = Writer::default();
    if let Err(error) = answer_into(engine, frame, &mut out) {
        out.0.clear();
        out.u8(1);
        out.counted(format!("{error:#}").as_bytes());
    }
    out.0
}

fn answer_into(engine: &Engine, frame: &[u8], out: &mut Writer) -> Result<()> {
    let mut input = Reader(frame);
    let pre = prepare(engine, input.counted()?)?;
    out.u8(0);
    for _ in 0..input.u32()? {
        let mut store = Store::new(engine, Host::default());
        match run(&pre, &mut store, &mut Reader(input.counted()?)) {
            Ok(results) => {
                out.u8(RAN);
                out.counted(&results);
            }
            Err(error) => {
                out.u8(TRAPPED);
                out.counted(error.root_cause().to_string().as_bytes());
            }
        }
        let host = store.data();
        out.u32(host.calls.len() as u32);
        for call in &host.calls {
            out.counted(call);
        }
        out.u64(host.live as u64);
    }
    Ok(())
}
