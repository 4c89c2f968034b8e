"""Components written byte by byte, for what no toolchain makes: imports of our choice, and damage at a known place.

The grammar is that of the Component Model's Binary.md; `section`, `vector` and `name` are its building blocks.
"""


def leb(value):
    out = b""
    while True:
        value, low = value >> 7, value & 0x7F
        if not value:
            return out + bytes([low])
        out += bytes([low | 0x80])


def vector(items):
    return leb(len(items)) + b"".join(items)


def name(text):
    return leb(len(text.encode())) + text.encode()


def section(number, body):
    return bytes([number]) + leb(len(body)) + body


CORE_PREAMBLE = b"\0asm\1\0\0\0"
PREAMBLE = b"\0asm\x0d\0\1\0"
EMPTY = PREAMBLE

# Value types of a component's functions.
U32, U64, STRING = b"\x79", b"\x77", b"\x73"

# Bodies of core functions.
RETURN_0 = b"\x41\x00\x0b"  # i32.const 0
RETURN_1 = b"\x41\x01\x0b"
LOOP = b"\x03\x40\x0c\x00\x0b\x00\x0b"  # loop (br 0), unreachable
TRAP = b"\x00\x0b"


def core_module(run=RETURN_0, start=None, imports=()):
    """A core module that exports `run: func() -> i32`, and has a start function where one is given.

    `imports`: (module, field) or (module, field, core function type).
    """
    types = [b"\x60\0\1\x7f", b"\x60\0\0"]
    imported = []
    for module, field, *kind in imports:
        types.append(kind[0] if kind else types[1])
        imported.append(name(module) + name(field) + b"\0" + leb(len(types) - 1))
    bodies = [run] + ([start] if start else [])
    out = CORE_PREAMBLE + section(1, vector(types))
    if imported:
        out += section(2, vector(imported))
    out += section(3, vector([b"\0"] + ([b"\1"] if start else [])))
    out += section(7, vector([name("run") + b"\0" + leb(len(imported))]))
    if start:
        out += section(8, leb(len(imported) + 1))
    return out + section(10, vector([leb(len(body) + 1) + b"\0" + body for body in bodies]))


def memory_module():
    """A core module that exports a memory, and a `realloc` that always answers the same place."""
    out = CORE_PREAMBLE + section(1, vector([b"\x60\4\x7f\x7f\x7f\x7f\1\x7f"])) + section(3, vector([b"\0"]))
    out += section(5, vector([b"\0\1"])) + section(7, vector([name("memory") + b"\2\0", name("realloc") + b"\0\0"]))
    return out + section(10, vector([b"\5\0\x41\x80\x08\x0b"]))


def function_type(parameters, result):
    """A `functype`; parameters as (label, type) pairs."""
    out = b"\x40" + vector([name(label) + kind for label, kind in parameters])
    return out + (b"\0" + result if result is not None else b"\1\0")


def lowered_type(parameters, result):
    """The core function type that the canonical ABI lowers it to."""
    flat = {U32: b"\x7f", U64: b"\x7e", STRING: b"\x7f\x7f"}
    ins, outs = b"".join(flat[kind] for _, kind in parameters), b"" if result is None else flat[result]
    if len(outs) > 1:  # through memory
        ins, outs = ins + b"\x7f", b""
    return b"\x60" + leb(len(ins)) + ins + leb(len(outs)) + outs


def command(run=RETURN_0, start=None, imports=None, version="0.2.0", lower=True):
    """A component that exports wasi:cli/run, and imports `imports`: interface -> {function: (parameters, result)}.

    Its core module imports each of these functions, unless `lower` is false: then nothing in it uses them.
    """
    out, count, lowered = PREAMBLE, 0, []
    for index, (interface, functions) in enumerate((imports or {}).items()):
        declarations = []
        for number, (function, (parameters, result)) in enumerate(functions.items()):
            declarations.append(b"\1" + function_type(parameters, result))
            declarations.append(b"\4\0" + name(function) + b"\1" + leb(number))
            lowered.append((index, function, lowered_type(parameters, result)))
        out += section(7, vector([b"\x42" + vector(declarations)]))
        out += section(10, vector([b"\0" + name(interface) + b"\5" + leb(index)]))
        count += 1
    if not lower:
        lowered = []
    # Core instance 0: the memory; 1: the lowered functions; the last: the program.
    out += section(1, memory_module()) + section(2, vector([b"\0\0\0"]))
    out += section(6, vector([b"\0\2\1\0" + name("memory"), b"\0\0\1\0" + name("realloc")]))
    if lowered:
        out += section(6, vector([b"\1\0" + leb(index) + name(function) for index, function, _ in lowered]))
        options = vector([b"\3\0", b"\4\0"])  # memory 0, realloc: core function 0
        out += section(8, vector([b"\1\0" + leb(number) + options for number in range(len(lowered))]))
    out += section(1, core_module(run, start, [("", str(i), kind) for i, (_, _, kind) in enumerate(lowered)]))
    exports = [name(str(i)) + b"\0" + leb(1 + i) for i in range(len(lowered))]
    out += section(2, vector([b"\1" + vector(exports), b"\0\1" + vector([name("") + b"\x12\1"])]))
    out += section(6, vector([b"\0\0\1\2" + name("run")]))
    out += section(7, vector([b"\x6a\0\0", function_type([], leb(count))]))  # result, func() -> result
    lift = b"\0\0" + leb(1 + len(lowered)) + vector([]) + leb(count + 1)
    out += section(8, vector([lift]))
    run_index = len(lowered)
    out += section(5, vector([b"\1" + vector([b"\0" + name("run") + b"\1" + leb(run_index)])]))  # an instance { run }
    return out + section(11, vector([b"\0" + name(f"wasi:cli/run@{version}") + b"\5" + leb(count) + b"\0"]))
