//! Core modules that are instantiated one after the other, made into one.
//!
//! What they import from each other becomes an index: a call from one to the other is direct, offsets that one has from
//! the other are constants, and an instance needs no functions to be looked up and handed on. Index spaces are laid one
//! behind the other, member by member.
//!
//! Instantiating the one module does what instantiating the members in turn does, which is why some are refused: those
//! with a start function, which the members behind it would not have been there for; and those whose active segments are
//! not known to fit, since the members before them would have been there when they trapped. Whoever calls has checked
//! that what is imported has the types that the importer expects; code is validated as a whole again by the engine.

use std::collections::{BTreeSet, HashMap};
use std::ffi::c_char;
use std::fmt::Display;
use std::slice;

use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, EntityType, ExportSection,
    FunctionSection, GlobalSection, ImportSection, Instruction, MemorySection, Module, NameMap, NameSection,
    TableSection, TagSection, TypeSection,
};
use wasmparser::{
    Data, DataKind, Element, ElementItems, ElementKind, ExternalKind, FunctionBody, Global, KnownCustom, MemoryType,
    Name, Operator, Parser, Payload, RecGroup, Table, TagType, TypeRef, Validator,
};

use crate::to_c_string;

/// Where an import comes from.
enum Source<'a> {
    /// A function from outside, by its number.
    Outside(u32),
    Export(Item<'a>),
}
/// An export of a member.
struct Item<'a> {
    member: usize,
    name: &'a str,
}
struct Input<'a> {
    bytes: &'a [u8],
    /// Of each import.
    sources: Vec<Source<'a>>,
}

type Fallible<T> = Result<T, String>;

fn text(error: impl Display) -> String {
    error.to_string()
}

// The kinds of items, each with an index space.
const KINDS: usize = 5;
const FUNC: usize = 0;
const TABLE: usize = 1;
const MEMORY: usize = 2;
const GLOBAL: usize = 3;
const TAG: usize = 4;

fn kind_of(kind: ExternalKind) -> usize {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => FUNC,
        ExternalKind::Table => TABLE,
        ExternalKind::Memory => MEMORY,
        ExternalKind::Global => GLOBAL,
        ExternalKind::Tag => TAG,
    }
}

/// A member as it is read.
#[derive(Default)]
struct Member<'a> {
    types: Vec<RecGroup>,
    type_count: u32,
    /// By kind: the types of functions, and which import each imported item is.
    imports: Vec<TypeRef>,
    imported: [Vec<usize>; KINDS],
    functions: Vec<u32>,
    tables: Vec<Table<'a>>,
    memories: Vec<MemoryType>,
    tags: Vec<TagType>,
    globals: Vec<Global<'a>>,
    exports: HashMap<&'a str, (usize, u32)>,
    elements: Vec<Element<'a>>,
    starts: bool,
    counts_data: bool,
    data: Vec<Data<'a>>,
    bodies: Vec<FunctionBody<'a>>,
    names: Vec<(u32, &'a str)>,
}

impl<'a> Member<'a> {
    fn read(bytes: &'a [u8]) -> Fallible<Self> {
        // What is wrong by itself may look right beside others.
        Validator::new().validate_all(bytes).map_err(text)?;
        let mut member = Member::default();
        for payload in Parser::new(0).parse_all(bytes) {
            member.take(payload.map_err(text)?).map_err(text)?;
        }
        if member.starts {
            return Err("a member has a start function".into());
        }
        Ok(member)
    }

    fn take(&mut self, payload: Payload<'a>) -> wasmparser::Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    let group = group?;
                    self.type_count += group.types().len() as u32;
                    self.types.push(group);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let ty = import?.ty;
                    let kind = match ty {
                        TypeRef::Func(_) | TypeRef::FuncExact(_) => FUNC,
                        TypeRef::Table(_) => TABLE,
                        TypeRef::Memory(_) => MEMORY,
                        TypeRef::Global(_) => GLOBAL,
                        TypeRef::Tag(_) => TAG,
                    };
                    self.imported[kind].push(self.imports.len());
                    self.imports.push(ty);
                }
            }
            Payload::FunctionSection(section) => self.functions = section.into_iter().collect::<Result<_, _>>()?,
            Payload::TableSection(section) => self.tables = section.into_iter().collect::<Result<_, _>>()?,
            Payload::MemorySection(section) => self.memories = section.into_iter().collect::<Result<_, _>>()?,
            Payload::TagSection(section) => self.tags = section.into_iter().collect::<Result<_, _>>()?,
            Payload::GlobalSection(section) => self.globals = section.into_iter().collect::<Result<_, _>>()?,
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.exports.insert(export.name, (kind_of(export.kind), export.index));
                }
            }
            Payload::StartSection { .. } => self.starts = true,
            Payload::ElementSection(section) => self.elements = section.into_iter().collect::<Result<_, _>>()?,
            Payload::DataCountSection { .. } => self.counts_data = true,
            Payload::DataSection(section) => self.data = section.into_iter().collect::<Result<_, _>>()?,
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            Payload::CustomSection(section) => {
                // Names are for messages alone: what cannot be read is left out.
                if let KnownCustom::Name(names) = section.as_known() {
                    for name in names.into_iter().map_while(Result::ok) {
                        if let Name::Function(map) = name {
                            self.names = map.into_iter().map_while(Result::ok).map(|n| (n.index, n.name)).collect();
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn defined(&self, kind: usize) -> usize {
        match kind {
            FUNC => self.functions.len(),
            TABLE => self.tables.len(),
            MEMORY => self.memories.len(),
            GLOBAL => self.globals.len(),
            _ => self.tags.len(),
        }
    }
}

/// What of the whole is known before anything is written.
struct Plan<'a> {
    members: Vec<Member<'a>>,
    sources: Vec<&'a [Source<'a>]>,
    /// By member: the first of its types, of its own items by kind, of its segments.
    first_type: Vec<u32>,
    first: Vec<[u32; KINDS]>,
    first_element: Vec<u32>,
    first_data: Vec<u32>,
    /// The functions from outside that somebody imports, by their number; each with a member and the type that it has
    /// there.
    outside: HashMap<u32, u32>,
    outside_types: Vec<(u32, usize, u32)>,
    /// By member, as far as they are resolved: each item's index in the whole, by kind.
    maps: Vec<[Vec<u32>; KINDS]>,
}

impl<'a> Plan<'a> {
    fn new(inputs: &'a [Input<'a>]) -> Fallible<Self> {
        let members = inputs.iter().map(|input| Member::read(input.bytes)).collect::<Fallible<Vec<_>>>()?;
        let mut plan = Plan {
            members,
            sources: inputs.iter().map(|input| input.sources.as_slice()).collect(),
            first_type: Vec::new(),
            first: Vec::new(),
            first_element: Vec::new(),
            first_data: Vec::new(),
            outside: HashMap::new(),
            outside_types: Vec::new(),
            maps: Vec::new(),
        };
        for (index, member) in plan.members.iter().enumerate() {
            if member.imports.len() != plan.sources[index].len() {
                return Err("a source is needed for each import".into());
            }
            for (ty, source) in member.imports.iter().zip(plan.sources[index]) {
                let Source::Outside(number) = source else { continue };
                let TypeRef::Func(ty) = ty else { return Err("only functions come from outside".into()) };
                let next = plan.outside_types.len() as u32;
                plan.outside.entry(*number).or_insert_with(|| {
                    plan.outside_types.push((*number, index, *ty));
                    next
                });
            }
        }
        let mut next = [plan.outside_types.len() as u32, 0, 0, 0, 0];
        let (mut types, mut elements, mut data) = (0, 0, 0);
        for member in &plan.members {
            plan.first.push(next);
            for (kind, next) in next.iter_mut().enumerate() {
                *next += member.defined(kind) as u32;
            }
            plan.first_type.push(types);
            plan.first_element.push(elements);
            plan.first_data.push(data);
            types += member.type_count;
            elements += member.elements.len() as u32;
            data += member.data.len() as u32;
        }
        for index in 0..plan.members.len() {
            let mut maps: [Vec<u32>; KINDS] = Default::default();
            for (kind, map) in maps.iter_mut().enumerate() {
                *map = plan.map(index, kind)?;
            }
            plan.maps.push(maps);
        }
        Ok(plan)
    }

    /// The index in the whole of a member's item.
    fn item(&self, mut member: usize, kind: usize, mut index: u32) -> Fallible<u32> {
        // An import may be an export of a member that imports it itself.
        for _ in 0..=self.members.len() {
            if let Some(maps) = self.maps.get(member) {
                return Ok(maps[kind][index as usize]);
            }
            let imported = &self.members[member].imported[kind];
            let Some(import) = imported.get(index as usize) else {
                return Ok(self.first[member][kind] + (index - imported.len() as u32));
            };
            match &self.sources[member][*import] {
                Source::Outside(number) => return Ok(self.outside[number]),
                Source::Export(item) => (member, index) = self.export(item, kind)?,
            }
        }
        Err("an import that is itself".into())
    }

    fn export(&self, item: &Item, kind: usize) -> Fallible<(usize, u32)> {
        match self.members.get(item.member).and_then(|member| member.exports.get(item.name)) {
            Some((found, index)) if *found == kind => Ok((item.member, *index)),
            _ => Err(format!("no export {} of the right kind", item.name)),
        }
    }

    fn any_export(&self, item: &Item) -> Fallible<(usize, u32)> {
        let member = self.members.get(item.member).ok_or("no such member")?;
        let (kind, index) = *member.exports.get(item.name).ok_or_else(|| format!("no export {}", item.name))?;
        Ok((kind, self.item(item.member, kind, index)?))
    }

    /// Of each item of a kind, the index in the whole.
    fn map(&self, member: usize, kind: usize) -> Fallible<Vec<u32>> {
        let count = self.members[member].imported[kind].len() + self.members[member].defined(kind);
        (0..count as u32).map(|index| self.item(member, kind, index)).collect()
    }

    fn memories(&self) -> impl Iterator<Item = &MemoryType> {
        self.members.iter().flat_map(|member| &member.memories)
    }
    fn tables(&self) -> impl Iterator<Item = &Table<'a>> {
        self.members.iter().flat_map(|member| &member.tables)
    }
}

/// Writes what a member has with the indices of the whole.
struct Rewriter<'p> {
    first_type: u32,
    first_element: u32,
    first_data: u32,
    maps: &'p [Vec<u32>; KINDS],
    /// By index in the whole: what globals that never change are, where an expression says so without others.
    constants: &'p mut HashMap<u32, Constant>,
    referenced: &'p mut BTreeSet<u32>,
}
#[derive(Clone)]
struct Constant {
    expression: ConstExpr,
    value: Option<u64>,
}

type Rewritten<T> = Result<T, reencode::Error<String>>;

impl Rewriter<'_> {
    fn mapped(&self, kind: usize, index: u32) -> Rewritten<u32> {
        self.maps[kind]
            .get(index as usize)
            .copied()
            .ok_or_else(|| reencode::Error::UserError("an index out of bounds".into()))
    }

    /// The value of an expression of whole numbers, as its type has it in its low bits.
    fn value(&self, expression: &wasmparser::ConstExpr) -> Option<u64> {
        let mut stack = Vec::new();
        let mut reader = expression.get_operators_reader();
        while !reader.is_end_then_eof() {
            let mut binary = |of32: fn(u32, u32) -> u32, of64: fn(u64, u64) -> u64, wide: bool| {
                let (b, a): (u64, u64) = (stack.pop()?, stack.pop()?);
                stack.push(if wide { of64(a, b) } else { u64::from(of32(a as u32, b as u32)) });
                Some(())
            };
            match reader.read().ok()? {
                Operator::I32Add => binary(u32::wrapping_add, u64::wrapping_add, false)?,
                Operator::I32Sub => binary(u32::wrapping_sub, u64::wrapping_sub, false)?,
                Operator::I32Mul => binary(u32::wrapping_mul, u64::wrapping_mul, false)?,
                Operator::I64Add => binary(u32::wrapping_add, u64::wrapping_add, true)?,
                Operator::I64Sub => binary(u32::wrapping_sub, u64::wrapping_sub, true)?,
                Operator::I64Mul => binary(u32::wrapping_mul, u64::wrapping_mul, true)?,
                Operator::I32Const { value } => stack.push(u64::from(value as u32)),
                Operator::I64Const { value } => stack.push(value as u64),
                Operator::GlobalGet { global_index } => {
                    let global = self.maps[GLOBAL].get(global_index as usize)?;
                    stack.push(self.constants.get(global)?.value?);
                }
                _ => return None,
            }
        }
        (stack.len() == 1).then(|| stack[0])
    }

    /// An expression that is one of another global: that one's.
    fn constant(&self, expression: &wasmparser::ConstExpr) -> Option<&Constant> {
        let mut reader = expression.get_operators_reader();
        let Operator::GlobalGet { global_index } = reader.read().ok()? else { return None };
        if !reader.is_end_then_eof() {
            return None;
        }
        self.constants.get(self.maps[GLOBAL].get(global_index as usize)?)
    }

    /// Whether an offset is known, and what begins there ends within `size`.
    fn fits(&self, offset: &wasmparser::ConstExpr, count: u64, size: u64) -> bool {
        self.value(offset).and_then(|offset| offset.checked_add(count)).is_some_and(|end| end <= size)
    }
}

impl Reencode for Rewriter<'_> {
    type Error = String;

    fn type_index(&mut self, index: u32) -> Rewritten<u32> {
        Ok(self.first_type + index)
    }
    fn element_index(&mut self, index: u32) -> Rewritten<u32> {
        Ok(self.first_element + index)
    }
    fn data_index(&mut self, index: u32) -> Rewritten<u32> {
        Ok(self.first_data + index)
    }
    fn function_index(&mut self, index: u32) -> Rewritten<u32> {
        self.mapped(FUNC, index)
    }
    fn table_index(&mut self, index: u32) -> Rewritten<u32> {
        self.mapped(TABLE, index)
    }
    fn memory_index(&mut self, index: u32) -> Rewritten<u32> {
        self.mapped(MEMORY, index)
    }
    fn global_index(&mut self, index: u32) -> Rewritten<u32> {
        self.mapped(GLOBAL, index)
    }
    fn tag_index(&mut self, index: u32) -> Rewritten<u32> {
        self.mapped(TAG, index)
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Rewritten<Instruction<'a>> {
        if let Operator::RefFunc { function_index } = operator {
            let function = self.mapped(FUNC, function_index)?;
            self.referenced.insert(function);
        }
        utils::instruction(self, operator)
    }

    fn const_expr(&mut self, expression: wasmparser::ConstExpr) -> Rewritten<ConstExpr> {
        if let Some(constant) = self.constant(&expression) {
            return Ok(constant.expression.clone());
        }
        // A sum of constants; which of the two types it has is told by its last operator.
        if let Some(value) = self.value(&expression) {
            let mut reader = expression.get_operators_reader();
            let mut last = None;
            while !reader.is_end_then_eof() {
                last = Some(reader.read()?);
            }
            match last {
                Some(Operator::I32Add | Operator::I32Sub | Operator::I32Mul) => {
                    return Ok(ConstExpr::i32_const(value as u32 as i32));
                }
                Some(Operator::I64Add | Operator::I64Sub | Operator::I64Mul) => {
                    return Ok(ConstExpr::i64_const(value as i64));
                }
                _ => {}
            }
        }
        utils::const_expr(self, expression)
    }
}

#[derive(Default)]
struct Sections {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    tables: TableSection,
    memories: MemorySection,
    tags: TagSection,
    globals: GlobalSection,
    exports: ExportSection,
    elements: ElementSection,
    code: CodeSection,
    data: DataSection,
    names: NameMap,
}

impl Sections {
    fn add(&mut self, plan: &Plan, index: usize, rewriter: &mut Rewriter) -> Rewritten<()> {
        let member = &plan.members[index];
        for group in &member.types {
            rewriter.parse_recursive_type_group(self.types.ty(), group.clone())?;
        }
        for function in &member.functions {
            self.functions.function(rewriter.type_index(*function)?);
        }
        for memory in &member.memories {
            self.memories.memory(rewriter.memory_type(*memory)?);
        }
        for tag in &member.tags {
            self.tags.tag(rewriter.tag_type(*tag)?);
        }
        for (offset, global) in member.globals.iter().enumerate() {
            self.add_global(plan.first[index][GLOBAL] + offset as u32, global, rewriter)?;
        }
        for table in &member.tables {
            rewriter.parse_table(&mut self.tables, table.clone())?;
        }
        for element in &member.elements {
            if let ElementKind::Active { table_index, offset_expr } = &element.kind {
                let count = match &element.items {
                    ElementItems::Functions(items) => items.count(),
                    ElementItems::Expressions(_, items) => items.count(),
                };
                let table = rewriter.table_index(table_index.unwrap_or(0))?;
                let size = plan.tables().nth(table as usize).map_or(0, |table| table.ty.initial);
                if !rewriter.fits(offset_expr, count.into(), size) {
                    return Err(reencode::Error::UserError("an element segment that may not fit".into()));
                }
            }
            rewriter.parse_element(&mut self.elements, element.clone())?;
        }
        for data in &member.data {
            if let DataKind::Active { memory_index, offset_expr } = &data.kind {
                let memory = rewriter.memory_index(*memory_index)?;
                let size = plan
                    .memories()
                    .nth(memory as usize)
                    .map_or(0, |memory| memory.initial.checked_shl(memory.page_size_log2.unwrap_or(16)).unwrap_or(0));
                if !rewriter.fits(offset_expr, data.data.len() as u64, size) {
                    return Err(reencode::Error::UserError("a data segment that may not fit".into()));
                }
            }
            rewriter.parse_data(&mut self.data, data.clone())?;
        }
        let imported = member.imported[FUNC].len() as u32;
        for (function, name) in &member.names {
            if *function >= imported && ((*function - imported) as usize) < member.functions.len() {
                self.names.append(plan.first[index][FUNC] + (*function - imported), name);
            }
        }
        Ok(())
    }

    fn add_global(&mut self, index: u32, global: &Global, rewriter: &mut Rewriter) -> Rewritten<()> {
        let expression = rewriter.const_expr(global.init_expr.clone())?;
        if !global.ty.mutable {
            let value = rewriter.value(&global.init_expr);
            let reads_another = {
                let mut reader = global.init_expr.get_operators_reader();
                let mut reads = false;
                while !reader.is_end_then_eof() {
                    reads |= matches!(reader.read()?, Operator::GlobalGet { .. });
                }
                reads
            };
            if value.is_some() || rewriter.constant(&global.init_expr).is_some() || !reads_another {
                rewriter.constants.insert(index, Constant { expression: expression.clone(), value });
            }
        }
        self.globals.global(rewriter.global_type(global.ty)?, &expression);
        Ok(())
    }
}

/// One module that imports `outside`, each under its number as decimal, from the module "", and exports `exports`, named
/// by their position.
fn fuse(inputs: &[Input], exports: &[Item]) -> Fallible<Vec<u8>> {
    let plan = Plan::new(inputs)?;
    let mut sections = Sections::default();
    let mut constants = HashMap::new();
    let mut referenced = BTreeSet::new();

    for (number, member, ty) in &plan.outside_types {
        let ty = EntityType::Function(plan.first_type[*member] + ty);
        sections.imports.import("", &number.to_string(), ty);
    }
    for index in 0..plan.members.len() {
        let mut rewriter = Rewriter {
            first_type: plan.first_type[index],
            first_element: plan.first_element[index],
            first_data: plan.first_data[index],
            maps: &plan.maps[index],
            constants: &mut constants,
            referenced: &mut referenced,
        };
        sections.add(&plan, index, &mut rewriter).map_err(text)?;
        for body in &plan.members[index].bodies {
            rewriter.parse_function_body(&mut sections.code, body.clone()).map_err(text)?;
        }
    }
    // What code refers to has to be declared; as an export it may have been.
    if !referenced.is_empty() {
        sections.elements.declared(Elements::Functions(referenced.into_iter().collect::<Vec<_>>().into()));
    }
    for (position, item) in exports.iter().enumerate() {
        let (kind, index) = plan.any_export(item)?;
        let kind = [
            wasm_encoder::ExportKind::Func,
            wasm_encoder::ExportKind::Table,
            wasm_encoder::ExportKind::Memory,
            wasm_encoder::ExportKind::Global,
            wasm_encoder::ExportKind::Tag,
        ][kind];
        sections.exports.export(&position.to_string(), kind, index);
    }
    Ok(sections.finish(plan.members.iter().any(|member| member.counts_data)))
}

impl Sections {
    fn finish(self, counts_data: bool) -> Vec<u8> {
        let mut module = Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions).section(&self.tables);
        module.section(&self.memories);
        if !self.tags.is_empty() {
            module.section(&self.tags);
        }
        module.section(&self.globals).section(&self.exports).section(&self.elements);
        if counts_data {
            module.section(&DataCountSection { count: self.data.len() });
        }
        module.section(&self.code).section(&self.data);
        let mut names = NameSection::new();
        names.functions(&self.names);
        module.section(&names);
        module.finish()
    }
}

#[repr(C)]
pub struct FuseItem {
    member: u32,
    outside: u32,
    name: *const u8,
    name_length: usize,
}
#[repr(C)]
pub struct FuseMember {
    bytes: *const u8,
    length: usize,
    imports: *const FuseItem,
    import_count: usize,
}
unsafe fn array<'a, T>(from: *const T, count: usize) -> &'a [T] {
    if count == 0 { &[] } else { unsafe { slice::from_raw_parts(from, count) } }
}

impl FuseItem {
    unsafe fn item<'a>(&self) -> Fallible<Item<'a>> {
        let name = std::str::from_utf8(unsafe { array(self.name, self.name_length) }).map_err(text)?;
        Ok(Item { member: self.member as usize, name })
    }
    unsafe fn source<'a>(&self) -> Fallible<Source<'a>> {
        if self.member == u32::MAX {
            Ok(Source::Outside(self.outside))
        } else {
            Ok(Source::Export(unsafe { self.item() }?))
        }
    }
}

unsafe fn fuse_raw(members: &[FuseMember], exports: &[FuseItem]) -> Fallible<Vec<u8>> {
    let mut inputs = Vec::new();
    for member in members {
        let bytes = unsafe { array(member.bytes, member.length) };
        let imports = unsafe { array(member.imports, member.import_count) };
        let sources = imports.iter().map(|item| unsafe { item.source() }).collect::<Fallible<_>>()?;
        inputs.push(Input { bytes, sources });
    }
    let exports = exports.iter().map(|item| unsafe { item.item() }).collect::<Fallible<Vec<_>>>()?;
    fuse(&inputs, &exports)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_fuse(
    members: *const FuseMember,
    member_count: usize,
    exports: *const FuseItem,
    export_count: usize,
    out: &mut *mut u8,
    out_length: &mut usize,
    message: &mut *mut c_char,
) -> bool {
    match unsafe { fuse_raw(array(members, member_count), array(exports, export_count)) } {
        Ok(module) => {
            let module = Box::leak(module.into_boxed_slice());
            *out_length = module.len();
            *out = module.as_mut_ptr();
            true
        }
        Err(text) => {
            *message = to_c_string(text);
            false
        }
    }
}
