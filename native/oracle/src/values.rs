//! Values in the form in which they are compared: guided by their type, every integer 8 bytes, floats as bits with one
//! NaN, variants by index, handles by what they stand for.

use wasmtime::component::{Resource, ResourceAny, Type, Val};
use wasmtime::{Result, StoreContextMut, bail};

use crate::wire::{Reader, Writer};

/// What the host's resources are; only their number says which is which.
pub struct Thing;

/// What a store knows.
#[derive(Default)]
pub struct Host {
    pub result: Vec<u8>,
    pub calls: Vec<Vec<u8>>,
    /// Resources that guests own: given to them, and neither dropped by them nor given back.
    pub live: i64,
    /// What the host lent for the call under way.
    pub lent: Vec<ResourceAny>,
}

type Store<'a> = StoreContextMut<'a, Host>;

fn case_of<'a>(mut names: impl Iterator<Item = &'a str>, index: u32) -> Result<String> {
    match names.nth(index as usize) {
        Some(name) => Ok(name.to_string()),
        None => bail!("no such case"),
    }
}

fn read_many(input: &mut Reader, store: &mut Store, ty: &Type, count: u32) -> Result<Vec<Val>> {
    (0..count).map(|_| read(input, store, ty)).collect()
}
fn read_optional(input: &mut Reader, store: &mut Store, ty: Option<Type>) -> Result<Option<Box<Val>>> {
    ty.map(|ty| Ok(Box::new(read(input, store, &ty)?))).transpose()
}

pub fn read(input: &mut Reader, store: &mut Store, ty: &Type) -> Result<Val> {
    Ok(match ty {
        Type::Bool => Val::Bool(input.u8()? != 0),
        Type::S8 => Val::S8(input.u64()? as i8),
        Type::U8 => Val::U8(input.u64()? as u8),
        Type::S16 => Val::S16(input.u64()? as i16),
        Type::U16 => Val::U16(input.u64()? as u16),
        Type::S32 => Val::S32(input.u64()? as i32),
        Type::U32 => Val::U32(input.u64()? as u32),
        Type::S64 => Val::S64(input.u64()? as i64),
        Type::U64 => Val::U64(input.u64()?),
        Type::Float32 => Val::Float32(f32::from_bits(input.u32()?)),
        Type::Float64 => Val::Float64(f64::from_bits(input.u64()?)),
        Type::Char => match char::from_u32(input.u32()?) {
            Some(c) => Val::Char(c),
            None => bail!("not a char"),
        },
        Type::String => Val::String(std::str::from_utf8(input.counted()?)?.to_string()),
        Type::List(list) => {
            let count = input.u32()?;
            Val::List(read_many(input, store, &list.ty(), count)?)
        }
        Type::FixedLengthList(list) => Val::FixedLengthList(read_many(input, store, &list.ty(), list.len())?),
        Type::Map(map) => {
            let count = input.u32()?;
            let (key, value) = (map.key(), map.value());
            Val::Map(
                (0..count)
                    .map(|_| Ok((read(input, store, &key)?, read(input, store, &value)?)))
                    .collect::<Result<_>>()?,
            )
        }
        Type::Record(record) => Val::Record(
            record
                .fields()
                .map(|field| Ok((field.name.to_string(), read(input, store, &field.ty)?)))
                .collect::<Result<_>>()?,
        ),
        Type::Tuple(tuple) => Val::Tuple(tuple.types().map(|ty| read(input, store, &ty)).collect::<Result<_>>()?),
        Type::Variant(variant) => {
            let index = input.u32()?;
            let Some(case) = variant.cases().nth(index as usize) else { bail!("no such case") };
            Val::Variant(case.name.to_string(), read_optional(input, store, case.ty.clone())?)
        }
        Type::Enum(cases) => Val::Enum(case_of(cases.names(), input.u32()?)?),
        Type::Option(option) => {
            let some = input.u32()? != 0;
            Val::Option(read_optional(input, store, some.then(|| option.ty()))?)
        }
        Type::Result(result) => match input.u32()? {
            0 => Val::Result(Ok(read_optional(input, store, result.ok())?)),
            _ => Val::Result(Err(read_optional(input, store, result.err())?)),
        },
        Type::Flags(flags) => {
            let bits = input.u32()?;
            let set = flags.names().enumerate().filter(|(i, _)| bits >> i & 1 != 0);
            Val::Flags(set.map(|(_, name)| name.to_string()).collect())
        }
        Type::Own(_) => {
            store.data_mut().live += 1;
            Val::Resource(Resource::<Thing>::new_own(input.u32()?).try_into_resource_any(store)?)
        }
        Type::Borrow(_) => {
            let any = Resource::<Thing>::new_own(input.u32()?).try_into_resource_any(&mut *store)?;
            store.data_mut().lent.push(any);
            Val::Resource(any)
        }
        _ => bail!("no values of this type"),
    })
}

fn index_of<'a>(mut names: impl Iterator<Item = &'a str>, name: &str) -> Result<u32> {
    match names.position(|n| n == name) {
        Some(index) => Ok(index as u32),
        None => bail!("no such case"),
    }
}

fn write_many(out: &mut Writer, store: &mut Store, ty: &Type, values: &[Val]) -> Result<()> {
    values.iter().try_for_each(|value| write(out, store, ty, value))
}
fn write_optional(out: &mut Writer, store: &mut Store, ty: Option<Type>, value: &Option<Box<Val>>) -> Result<()> {
    match (ty, value) {
        (Some(ty), Some(value)) => write(out, store, &ty, value),
        _ => Ok(()),
    }
}

/// Takes handles out of the store: what is owned is the host's from here on.
pub fn write(out: &mut Writer, store: &mut Store, ty: &Type, value: &Val) -> Result<()> {
    match (ty, value) {
        (_, Val::Bool(v)) => out.u8(*v as u8),
        (_, Val::S8(v)) => out.u64(*v as i64 as u64),
        (_, Val::U8(v)) => out.u64(*v as u64),
        (_, Val::S16(v)) => out.u64(*v as i64 as u64),
        (_, Val::U16(v)) => out.u64(*v as u64),
        (_, Val::S32(v)) => out.u64(*v as i64 as u64),
        (_, Val::U32(v)) => out.u64(*v as u64),
        (_, Val::S64(v)) => out.u64(*v as u64),
        (_, Val::U64(v)) => out.u64(*v),
        (_, Val::Float32(v)) => out.u32(if v.is_nan() { 0x7fc0_0000 } else { v.to_bits() }),
        (_, Val::Float64(v)) => out.u64(if v.is_nan() { 0x7ff8_0000_0000_0000 } else { v.to_bits() }),
        (_, Val::Char(v)) => out.u32(*v as u32),
        (_, Val::String(v)) => out.counted(v.as_bytes()),
        (Type::List(list), Val::List(values)) => {
            out.u32(values.len() as u32);
            write_many(out, store, &list.ty(), values)?;
        }
        (Type::FixedLengthList(list), Val::FixedLengthList(values)) => write_many(out, store, &list.ty(), values)?,
        (Type::Map(map), Val::Map(pairs)) => {
            out.u32(pairs.len() as u32);
            for (key, value) in pairs {
                write(out, store, &map.key(), key)?;
                write(out, store, &map.value(), value)?;
            }
        }
        (Type::Record(record), Val::Record(values)) => {
            for (field, (_, value)) in record.fields().zip(values) {
                write(out, store, &field.ty, value)?;
            }
        }
        (Type::Tuple(tuple), Val::Tuple(values)) => {
            for (ty, value) in tuple.types().zip(values) {
                write(out, store, &ty, value)?;
            }
        }
        (Type::Variant(variant), Val::Variant(name, payload)) => {
            let index = index_of(variant.cases().map(|case| case.name), name)?;
            out.u32(index);
            let case = variant.cases().nth(index as usize).and_then(|case| case.ty.clone());
            write_optional(out, store, case, payload)?;
        }
        (Type::Enum(cases), Val::Enum(name)) => out.u32(index_of(cases.names(), name)?),
        (Type::Option(option), Val::Option(value)) => {
            out.u32(value.is_some() as u32);
            write_optional(out, store, Some(option.ty()), value)?;
        }
        (Type::Result(result), Val::Result(Ok(value))) => {
            out.u32(0);
            write_optional(out, store, result.ok(), value)?;
        }
        (Type::Result(result), Val::Result(Err(value))) => {
            out.u32(1);
            write_optional(out, store, result.err(), value)?;
        }
        (Type::Flags(flags), Val::Flags(set)) => {
            let mut bits = 0;
            for name in set {
                bits |= 1u32 << index_of(flags.names(), name)?;
            }
            out.u32(bits);
        }
        (_, Val::Resource(any)) => {
            if any.owned() {
                store.data_mut().live -= 1;
            }
            out.u32(any.try_into_resource::<Thing>(store)?.rep());
        }
        _ => bail!("a value of another type"),
    }
    Ok(())
}
