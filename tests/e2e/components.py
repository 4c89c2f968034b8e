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
    """A core module that exports `run: func() -> i32`, and has a start function where one is given."""
    types = [b"\x60\0\1\x7f", b"\x60\0\0"]
    bodies = [run] + ([start] if start else [])
    out = CORE_PREAMBLE + section(1, vector(types))
    if imports:
        out += section(2, vector([name(module) + name(field) + b"\0\1" for module, field in imports]))
    out += section(3, vector([b"\0"] + ([b"\1"] if start else [])))
    out += section(7, vector([name("run") + b"\0" + leb(len(imports))]))
    if start:
        out += section(8, leb(len(imports) + 1))
    return out + section(10, vector([leb(len(body) + 1) + b"\0" + body for body in bodies]))


def function_type(parameters, result):
    """A `functype`; parameters as (label, type) pairs."""
    out = b"\x40" + vector([name(label) + kind for label, kind in parameters])
    return out + (b"\0" + result if result is not None else b"\1\0")


def import_of(interface, functions):
    """The sections that import an interface: functions as name -> (parameters, result). Takes one type index."""
    declarations = []
    for index, (function, (parameters, result)) in enumerate(functions.items()):
        declarations.append(b"\1" + function_type(parameters, result))
        declarations.append(b"\4\0" + name(function) + b"\1" + leb(index))
    types = section(7, vector([b"\x42" + vector(declarations)]))
    return types, lambda index: section(10, vector([b"\0" + name(interface) + b"\5" + leb(index)]))


def command(run=RETURN_0, start=None, imports=None, version="0.2.0"):
    """A component that exports wasi:cli/run, and imports `imports`: interface -> {function: (parameters, result)}."""
    out = PREAMBLE
    imports = imports or {}
    for index, (interface, functions) in enumerate(imports.items()):
        types, imported = import_of(interface, functions)
        out += types + imported(index)
    count = len(imports)
    out += section(1, core_module(run, start))
    out += section(2, vector([b"\0\0" + vector([])]))  # instantiate module 0 with nothing
    out += section(6, vector([b"\0\0\1\0" + name("run")]))  # alias its core function `run`
    out += section(7, vector([b"\x6a\0\0", function_type([], leb(count))]))  # result, func() -> result
    out += section(8, vector([b"\0\0\0" + vector([]) + leb(count + 1)]))  # canon lift
    out += section(5, vector([b"\1" + vector([b"\0" + name("run") + b"\1\0"])]))  # an instance { run }
    return out + section(11, vector([b"\0" + name(f"wasi:cli/run@{version}") + b"\5" + leb(count) + b"\0"]))
