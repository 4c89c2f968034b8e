//! What `component::InstancePre` takes to make an instance of a real component, with a store of its own, and to drop it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use wasmtime::component::{Component, Linker};
use wasmtime::{Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result, Store};

use crate::host;
use crate::series::Series;

/// The pool as `unbolt::engine` sets it up.
fn pool(size: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(size)
        .total_stacks(size)
        .total_tables(size * 4)
        .total_core_instances(size * 20)
        .total_component_instances(size)
        .max_memories_per_module(4)
        .max_tables_per_module(8)
        .table_elements(65_536)
        .max_core_instance_size(1 << 20)
        .max_component_instance_size(1 << 20)
        .max_unused_warm_slots(size)
        .linear_memory_keep_resident(4 << 20)
        .table_keep_resident(64 * 1024)
        .async_stack_keep_resident(64 * 1024);
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes);
    }
    pool
}

/// Compiled, or as it was compiled by an earlier run: the folder is the benchmark's own.
fn load(engine: &Engine, cache: &Path, bytes: &[u8]) -> Result<Component> {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let compiled = cache.join(format!("{:016x}.cwasm", hasher.finish()));
    if compiled.is_file() {
        return unsafe { Component::deserialize_file(engine, compiled) };
    }
    let component = Component::new(engine, bytes)?;
    std::fs::create_dir_all(cache)?;
    std::fs::write(compiled, component.serialize()?)?;
    Ok(component)
}

pub fn starts(cache: &Path, files: &[&str]) -> Result<Vec<Series>> {
    let mut config = host::config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(100)));
    let engine = Engine::new(&config)?;
    let mut all = Vec::new();
    for file in files {
        let component = load(&engine, cache, &std::fs::read(file)?)?;
        let mut linker = Linker::<()>::new(&engine);
        linker.define_unknown_imports_as_traps(&component)?;
        let pre = linker.instantiate_pre(&component)?;
        let name = Path::new(file).file_stem().unwrap().to_string_lossy().into_owned();
        let engine = engine.clone();
        all.push(Series::new(format!("start.{name}.pre"), "us", 100, move |times| {
            for _ in 0..times {
                let mut store = Store::new(&engine, ());
                store.set_epoch_deadline(1);
                pre.instantiate(&mut store)?;
            }
            Ok(())
        }));
    }
    Ok(all)
}
