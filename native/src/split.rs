//! A core module made into two: its code, and what its memories and globals are before any of it runs.
//!
//! A snapshot of a language's runtime (of JavaScript, of Python) is megabytes of data over code that is the same in each.
//! Told apart, the code is compiled once. Instantiating the code and then the data does what instantiating the module
//! does; a module where somebody could tell, with a start function or with segments that may not fit, is left whole.

use std::collections::BTreeSet;
use std::slice;

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, ImportSection, Instruction, Module, RawSection, StartSection, TypeSection,
};
use wasmparser::{Data, DataKind, Global, GlobalType, MemoryType, Operator, Parser, Payload, TypeRef, ValType};

/// Less data than this is compiled faster than it is told apart.
const LEAST_BYTES: usize = 1 << 20;

/// What the two are made of. Neither is made where this is none.
#[derive(Default)]
struct Parts<'a> {
    imported_memories: u32,
    imported_globals: u32,
    memories: Vec<MemoryType>,
    globals: Vec<Global<'a>>,
    exports: Vec<wasmparser::Export<'a>>,
    data: Vec<Data<'a>>,
    /// Whether code may name segments by their numbers.
    counts_data: bool,
}

/// A global of the module's own that begins with a number that may change.
struct Start {
    index: u32,
    ty: GlobalType,
    value: Instruction<'static>,
    zero: ConstExpr,
}

/// The only operator of an expression.
fn single<'a>(expression: &wasmparser::ConstExpr<'a>) -> Option<Operator<'a>> {
    let mut reader = expression.get_operators_reader();
    let operator = reader.read().ok()?;
    reader.is_end_then_eof().then_some(operator)
}

impl<'a> Parts<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut parts = Parts::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.ok()? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        match import.ok()?.ty {
                            TypeRef::Memory(_) => parts.imported_memories += 1,
                            TypeRef::Global(_) => parts.imported_globals += 1,
                            _ => {}
                        }
                    }
                }
                Payload::MemorySection(section) => {
                    parts.memories = section.into_iter().collect::<Result<_, _>>().ok()?;
                }
                Payload::GlobalSection(section) => {
                    parts.globals = section.into_iter().collect::<Result<_, _>>().ok()?;
                }
                Payload::ExportSection(section) => {
                    parts.exports = section.into_iter().collect::<Result<_, _>>().ok()?;
                }
                Payload::DataSection(section) => {
                    parts.data = section.into_iter().collect::<Result<_, _>>().ok()?;
                }
                Payload::DataCountSection { .. } => parts.counts_data = true,
                Payload::StartSection { .. } => return None,
                _ => {}
            }
        }
        parts.movable().then_some(parts)
    }

    /// Each active segment, its memory and where it begins; none of those that may not fit.
    fn active(&self, data: &Data<'a>) -> Option<(u32, u64)> {
        let DataKind::Active { memory_index, offset_expr } = &data.kind else { return None };
        let memory = self.memories.get(memory_index.checked_sub(self.imported_memories)? as usize)?;
        let offset = match (single(offset_expr)?, memory.memory64) {
            (Operator::I32Const { value }, false) => u64::from(value as u32),
            (Operator::I64Const { value }, true) => value as u64,
            _ => return None,
        };
        let size = u128::from(memory.initial) << memory.page_size_log2.unwrap_or(16);
        (!memory.shared && u128::from(offset) + data.data.len() as u128 <= size).then_some((*memory_index, offset))
    }

    fn movable(&self) -> bool {
        let active = self.data.iter().filter(|data| matches!(data.kind, DataKind::Active { .. }));
        active.clone().all(|data| self.active(data).is_some())
            && active.map(|data| data.data.len()).sum::<usize>() >= LEAST_BYTES
    }

    fn starts(&self) -> Vec<Start> {
        let mut starts = Vec::new();
        for (offset, global) in self.globals.iter().enumerate() {
            if !global.ty.mutable || global.ty.shared {
                continue;
            }
            let (value, zero) = match (global.ty.content_type, single(&global.init_expr)) {
                (ValType::I32, Some(Operator::I32Const { value })) => (Instruction::I32Const(value), ConstExpr::i32_const(0)),
                (ValType::I64, Some(Operator::I64Const { value })) => (Instruction::I64Const(value), ConstExpr::i64_const(0)),
                _ => continue,
            };
            starts.push(Start { index: self.imported_globals + offset as u32, ty: global.ty, value, zero });
        }
        starts
    }
}

/// Under which name the code has what the image changes.
fn memory_name(index: u32) -> String {
    format!("memory {index} of the image")
}
fn global_name(index: u32) -> String {
    format!("global {index} of the image")
}

struct Split {
    code: Vec<u8>,
    image: Vec<u8>,
    /// What the image imports, in its order: exports of the code.
    names: Vec<String>,
}

fn split(bytes: &[u8]) -> Option<Split> {
    let parts = Parts::read(bytes)?;
    let starts = parts.starts();
    let memories: BTreeSet<u32> = parts.data.iter().filter_map(|data| parts.active(data)).map(|(memory, _)| memory).collect();
    let memories: Vec<u32> = memories.into_iter().collect();
    let names: Vec<String> = memories
        .iter()
        .map(|index| memory_name(*index))
        .chain(starts.iter().map(|start| global_name(start.index)))
        .collect();
    if parts.exports.iter().any(|export| names.iter().any(|name| name == export.name)) {
        return None;
    }
    Some(Split { code: code(bytes, &parts, &memories, &starts)?, image: image(&parts, &memories, &starts)?, names })
}

/// The module with globals of zero and empty segments, and the exports of what the image changes.
fn code(bytes: &[u8], parts: &Parts, memories: &[u32], starts: &[Start]) -> Option<Vec<u8>> {
    let mut encoder = RoundtripReencoder;
    let mut exports = ExportSection::new();
    for export in &parts.exports {
        encoder.parse_export(&mut exports, *export).ok()?;
    }
    for index in memories {
        exports.export(&memory_name(*index), ExportKind::Memory, *index);
    }
    for start in starts {
        exports.export(&global_name(start.index), ExportKind::Global, start.index);
    }
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.ok()?;
        // A module without exports has no place for them; nothing runs there either.
        match &payload {
            Payload::ExportSection(_) => {
                module.section(&exports);
            }
            Payload::GlobalSection(_) => {
                let mut globals = GlobalSection::new();
                for (offset, global) in parts.globals.iter().enumerate() {
                    let index = parts.imported_globals + offset as u32;
                    match starts.iter().find(|start| start.index == index) {
                        Some(start) => {
                            globals.global(encoder.global_type(start.ty).ok()?, &start.zero);
                        }
                        None => encoder.parse_global(&mut globals, global.clone()).ok()?,
                    }
                }
                module.section(&globals);
            }
            Payload::DataSection(_) => {
                let mut data = DataSection::new();
                // Where nobody names them, how many there were is not the code's matter either.
                let kept = parts.data.iter().filter(|data| parts.counts_data || parts.active(data).is_none());
                for segment in kept {
                    match parts.active(segment) {
                        Some((memory, _)) => {
                            let wide = parts.memories[(memory - parts.imported_memories) as usize].memory64;
                            let offset = if wide { ConstExpr::i64_const(0) } else { ConstExpr::i32_const(0) };
                            data.active(memory, &offset, []);
                        }
                        None => encoder.parse_data(&mut data, segment.clone()).ok()?,
                    }
                }
                if !data.is_empty() {
                    module.section(&data);
                }
            }
            _ => {
                if let Some((id, range)) = payload.as_section() {
                    module.section(&RawSection { id, data: &bytes[range] });
                }
            }
        }
    }
    (!parts.exports.is_empty()).then(|| module.finish())
}

/// A module that writes the segments to memories, and the numbers to globals, that it imports.
fn image(parts: &Parts, memories: &[u32], starts: &[Start]) -> Option<Vec<u8>> {
    let mut encoder = RoundtripReencoder;
    let mut imports = ImportSection::new();
    for index in memories {
        let ty = parts.memories[(index - parts.imported_memories) as usize];
        imports.import("", &memory_name(*index), EntityType::Memory(encoder.memory_type(ty).ok()?));
    }
    let mut body = Function::new([]);
    for (index, start) in starts.iter().enumerate() {
        imports.import("", &global_name(start.index), EntityType::Global(encoder.global_type(start.ty).ok()?));
        body.instruction(&start.value).instruction(&Instruction::GlobalSet(index as u32));
    }
    body.instruction(&Instruction::End);

    let mut data = DataSection::new();
    for segment in &parts.data {
        let Some((memory, offset)) = parts.active(segment) else { continue };
        let wide = parts.memories[(memory - parts.imported_memories) as usize].memory64;
        let offset = if wide { ConstExpr::i64_const(offset as i64) } else { ConstExpr::i32_const(offset as i32) };
        let position = memories.iter().position(|index| *index == memory)? as u32;
        data.active(position, &offset, segment.data.iter().copied());
    }
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut code = CodeSection::new();
    code.function(&body);
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions);
    module.section(&StartSection { function_index: 0 }).section(&code).section(&data);
    Some(module.finish())
}

fn leak(bytes: Vec<u8>, length: &mut usize) -> *mut u8 {
    let bytes = Box::leak(bytes.into_boxed_slice());
    *length = bytes.len();
    bytes.as_mut_ptr()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_split(
    bytes: *const u8,
    length: usize,
    code: &mut *mut u8,
    code_length: &mut usize,
    image: &mut *mut u8,
    image_length: &mut usize,
    names: &mut *mut std::ffi::c_char,
) -> bool {
    let Some(made) = split(unsafe { slice::from_raw_parts(bytes, length) }) else { return false };
    *code = leak(made.code, code_length);
    *image = leak(made.image, image_length);
    *names = crate::to_c_string(made.names.join("\n"));
    true
}
