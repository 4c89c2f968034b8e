//! A program's memory and the adapter's, kept apart.
//!
//! The adapter keeps its state in the memory of the program, in pages that it adds when it is first called. That breaks
//! programs which take all memory there is for their own, or expect what they add to follow what they have (those of Go
//! and AssemblyScript do). So a program gets functions in the place of `memory.size` and `memory.grow` that show it a
//! memory of its own, without gaps; and a `cabi_realloc`, by which the adapter gets its pages behind all that the
//! program may ever grow to. The memory is grown to its limit for that, which costs address space and no memory.
//!
//! On the way: of a read or write without buffers the adapter says that it went well, without a look at the descriptor.
//! It gets one empty buffer instead.

use std::borrow::Cow;
use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType,
    Instruction as I, MemorySection, MemoryType, Module, SectionId, TypeSection, ValType,
};
use wasmparser::{Operator, Parser, Payload, TypeRef};

/// The adapter asks for a page of state and one of stack.
const RESERVED_PAGES: i32 = 4;
const WITH_BUFFERS: [&str; 2] = ["fd_read", "fd_write"];

/// The new functions are numbered from `first_function` on, types and globals likewise.
struct OwnMemory {
    initial: i32,
    first_function: u32,
    first_type: u32,
    first_global: u32,
    has_globals: bool,
    // Imports of WITH_BUFFERS; each gets a function before it.
    with_buffers: Vec<u32>,
}

impl OwnMemory {
    fn add_globals(&self, globals: &mut GlobalSection) {
        for start in [self.initial, 0, 0, 0] {
            let kind = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
            globals.global(kind, &ConstExpr::i32_const(start));
        }
    }

    // What the program has: pages.
    fn own(&self) -> u32 {
        self.first_global
    }
    // Where the pages of the adapter begin; 0 until they are there.
    fn end(&self) -> u32 {
        self.first_global + 1
    }
    // The adapter's next free byte.
    fn free(&self) -> u32 {
        self.first_global + 2
    }
    // An empty buffer; 0 until it is needed.
    fn empty(&self) -> u32 {
        self.first_global + 3
    }

    // () -> pages
    fn size(&self) -> Function {
        function(&[], &[I::GlobalGet(self.own())])
    }

    // (pages) -> pages before, or -1
    fn grow(&self) -> Function {
        let (delta, before) = (0, 1);
        function(
            &[ValType::I32],
            &[
                I::GlobalGet(self.own()),
                I::LocalSet(before),
                // No sum of two numbers of pages overflows, but the argument may be any number.
                I::LocalGet(delta),
                I::I32Const(65536),
                I::I32GtU,
                I::If(BlockType::Empty),
                I::I32Const(-1),
                I::Return,
                I::End,
                I::GlobalGet(self.end()),
                I::If(BlockType::Empty),
                I::LocalGet(before),
                I::LocalGet(delta),
                I::I32Add,
                I::GlobalGet(self.end()),
                I::I32GtU,
                I::If(BlockType::Empty),
                I::I32Const(-1),
                I::Return,
                I::End,
                I::Else,
                I::LocalGet(delta),
                I::MemoryGrow(0),
                I::I32Const(-1),
                I::I32Eq,
                I::If(BlockType::Empty),
                I::I32Const(-1),
                I::Return,
                I::End,
                I::End,
                I::LocalGet(before),
                I::LocalGet(delta),
                I::I32Add,
                I::GlobalSet(self.own()),
                I::LocalGet(before),
            ],
        )
    }

    // (old pointer, old size, alignment, size) -> pointer; never called with something to move
    fn realloc(&self) -> Function {
        let (alignment, size, step, at) = (2, 3, 4, 5);
        function(
            &[ValType::I32, ValType::I32],
            &[
                I::GlobalGet(self.end()),
                I::I32Eqz,
                I::If(BlockType::Empty),
                // Up to the limit, whatever it is: ever smaller steps.
                I::I32Const(32768),
                I::LocalSet(step),
                I::Loop(BlockType::Empty),
                I::LocalGet(step),
                I::MemoryGrow(0),
                I::I32Const(-1),
                I::I32Eq,
                I::If(BlockType::Empty),
                I::LocalGet(step),
                I::I32Const(1),
                I::I32ShrU,
                I::LocalSet(step),
                I::End,
                I::LocalGet(step),
                I::BrIf(0),
                I::End,
                I::MemorySize(0),
                I::I32Const(RESERVED_PAGES),
                I::I32Sub,
                I::GlobalSet(self.end()),
                I::GlobalGet(self.end()),
                I::GlobalGet(self.own()),
                I::I32LtS,
                I::If(BlockType::Empty),
                I::Unreachable,
                I::End,
                I::GlobalGet(self.end()),
                I::I32Const(16),
                I::I32Shl,
                I::GlobalSet(self.free()),
                I::End,
                // free, aligned
                I::GlobalGet(self.free()),
                I::LocalGet(alignment),
                I::I32Add,
                I::I32Const(1),
                I::I32Sub,
                I::I32Const(0),
                I::LocalGet(alignment),
                I::I32Sub,
                I::I32And,
                I::LocalTee(at),
                I::LocalGet(size),
                I::I32Add,
                I::GlobalSet(self.free()),
                // More than was reserved?
                I::LocalGet(size),
                I::GlobalGet(self.free()),
                I::GlobalGet(self.end()),
                I::I32Const(16),
                I::I32Shl,
                I::I32Sub,
                I::I32Const(RESERVED_PAGES << 16),
                I::I32GtU,
                I::LocalGet(size),
                I::I32Const(RESERVED_PAGES << 16),
                I::I32GtU,
                I::I32Or,
                I::If(BlockType::Empty),
                I::Unreachable,
                I::End,
                I::Drop,
                I::LocalGet(at),
            ],
        )
    }

    // (descriptor, buffers, count, where to say how much) -> errno
    fn with_buffers(&self, import: u32) -> Function {
        let (buffers, count) = (1, 2);
        function(
            &[],
            &[
                I::LocalGet(count),
                I::I32Eqz,
                I::If(BlockType::Empty),
                I::GlobalGet(self.empty()),
                I::I32Eqz,
                I::If(BlockType::Empty),
                I::I32Const(0),
                I::I32Const(0),
                I::I32Const(4),
                I::I32Const(8),
                I::Call(self.first_function + 2),
                I::GlobalSet(self.empty()),
                I::End,
                I::GlobalGet(self.empty()),
                I::LocalSet(buffers),
                I::I32Const(1),
                I::LocalSet(count),
                I::End,
                I::LocalGet(0),
                I::LocalGet(1),
                I::LocalGet(2),
                I::LocalGet(3),
                I::Call(import),
            ],
        )
    }
}

fn function(locals: &[ValType], body: &[I]) -> Function {
    let mut out = Function::new(locals.iter().map(|kind| (1, *kind)));
    for instruction in body {
        out.instruction(instruction);
    }
    out.instruction(&I::End);
    out
}

impl Reencode for OwnMemory {
    type Error = Infallible;
    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<I<'a>, Error<Infallible>> {
        match operator {
            Operator::MemorySize { mem: 0 } => Ok(I::Call(self.first_function)),
            Operator::MemoryGrow { mem: 0 } => Ok(I::Call(self.first_function + 1)),
            Operator::Call { function_index } => {
                let place = self.with_buffers.iter().position(|import| *import == function_index);
                Ok(I::Call(place.map_or(function_index, |place| self.first_function + 3 + place as u32)))
            }
            other => utils::instruction(self, other),
        }
    }
    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_type_section(self, types, section)?;
        types.ty().function([], [ValType::I32]);
        types.ty().function([ValType::I32], [ValType::I32]);
        types.ty().function([ValType::I32; 4], [ValType::I32]);
        Ok(())
    }
    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_function_section(self, functions, section)?;
        for kind in 0..3 {
            functions.function(self.first_type + kind);
        }
        for _ in &self.with_buffers {
            functions.function(self.first_type + 2);
        }
        Ok(())
    }
    fn parse_memory_section(
        &mut self,
        memories: &mut MemorySection,
        section: wasmparser::MemorySectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        for memory in section {
            let mut kind: MemoryType = self.memory_type(memory?)?;
            kind.maximum = kind.maximum.map(|pages| (pages + RESERVED_PAGES as u64).min(65536));
            memories.memory(kind);
        }
        Ok(())
    }
    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_global_section(self, globals, section)?;
        self.add_globals(globals);
        Ok(())
    }
    // A module may have no globals; a program has exports.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Result<(), Error<Infallible>> {
        if before == Some(SectionId::Export) && !self.has_globals {
            let mut globals = GlobalSection::new();
            self.add_globals(&mut globals);
            module.section(&globals);
        }
        Ok(())
    }
    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_export_section(self, exports, section)?;
        exports.export("cabi_realloc", ExportKind::Func, self.first_function + 2);
        Ok(())
    }
    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_code_section(self, code, section)?;
        code.function(&self.size()).function(&self.grow()).function(&self.realloc());
        for import in &self.with_buffers {
            code.function(&self.with_buffers(*import));
        }
        Ok(())
    }
}

/// What has to be known of a module before it is written anew. None where it stays as it is: it has an allocator for the
/// adapter (`cabi_realloc`), uses nothing that is replaced here, or has line tables, which would not fit any more (the
/// compilers that write those say where the heap ends).
fn survey(module: &[u8]) -> wasmparser::Result<Option<OwnMemory>> {
    let (mut types, mut functions, mut globals) = (0, 0, 0);
    let (mut has_globals, mut uses) = (false, false);
    let mut initial = None;
    let mut with_buffers = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(section) => {
                for group in section {
                    types += group?.types().len() as u32;
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    match import.ty {
                        TypeRef::Func(_) | TypeRef::FuncExact(_) => {
                            if WITH_BUFFERS.contains(&import.name) {
                                with_buffers.push(functions);
                            }
                            functions += 1;
                        }
                        TypeRef::Global(_) => globals += 1,
                        _ => {}
                    }
                }
            }
            Payload::FunctionSection(section) => functions += section.count(),
            Payload::GlobalSection(section) => {
                has_globals = true;
                globals += section.count();
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    initial.get_or_insert(memory?.initial);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    if export?.name == "cabi_realloc" {
                        return Ok(None);
                    }
                }
            }
            Payload::CodeSectionEntry(body) if !uses => {
                for operator in body.get_operators_reader()? {
                    uses |= matches!(operator?, Operator::MemorySize { mem: 0 } | Operator::MemoryGrow { mem: 0 });
                }
            }
            Payload::CustomSection(section) if section.name().starts_with(".debug_") => return Ok(None),
            _ => {}
        }
    }
    let (true, Some(initial)) = (uses || !with_buffers.is_empty(), initial) else { return Ok(None) };
    Ok(i32::try_from(initial).ok().map(|initial| OwnMemory {
        initial,
        first_function: functions,
        first_type: types,
        first_global: globals,
        has_globals,
        with_buffers,
    }))
}

/// The module as it is, where nothing of this is needed.
pub fn give_own_memory(module: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let Some(mut change) = survey(module).map_err(|e| e.to_string())? else { return Ok(Cow::Borrowed(module)) };
    let mut out = Module::new();
    change.parse_core_module(&mut out, Parser::new(0), module).map_err(|e| e.to_string())?;
    Ok(Cow::Owned(out.finish()))
}
