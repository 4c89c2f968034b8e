#!/usr/bin/env python3
"""Fails where a folder of src/unbolt uses one that stands above it, with the place and the rule.

The order is the one in which src/unbolt/CMakeLists.txt adds the folders, from the bottom up. It holds for includes and
for the libraries that a folder's CMakeLists.txt names. --self-test shows that each rule can fail.
"""

import pathlib
import re
import sys
import tempfile

# Headers that belong to one folder or a few: everybody else goes through these folders.
RESERVED = [
    (re.compile(r"(wasmtime|wasm|wasi)\.h{1,2}$|wasmtime/"), {"engine"}, "the engine's headers"),
    (re.compile(r"unbolt_native(_\w+)?\.h$|unbolt/native/"), {"engine", "component"}, "native/'s header"),
]
# Folders that may use less than what lies below them.
NARROW = {
    "http": ({"base"}, "http/ knows nothing of components"),
    "files": ({"base"}, "files/ knows nothing of components"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
LIBRARY = re.compile(r"\bunbolt(?:::|_)(\w+)")


def folder_order(root):
    text = (root / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.findall(r"^\s*add_subdirectory\((\w+)\)", text, re.MULTILINE)


def why_not(user, used, order):
    """The rule that forbids `user` to use `used`, or None."""
    if user == used:
        return None
    if used not in order:
        return f"{used}/ is no folder that src/unbolt/CMakeLists.txt adds"
    allowed, reason = NARROW.get(user, (None, ""))
    if allowed is not None and used not in allowed:
        return f"{user}/ may use {', '.join(sorted(allowed))} only: {reason}"
    if order.index(used) > order.index(user):
        return f"{used}/ stands above {user}/"
    return None


def check_include(user, name, quoted, order):
    for pattern, owners, what in RESERVED:
        if pattern.match(name):
            return None if user in owners else f"{what} may be included in {', '.join(sorted(owners))} only"
    if name.startswith("unbolt/"):
        return why_not(user, name.split("/")[1], order)
    if quoted:
        return 'the project\'s own headers are included as "unbolt/FOLDER/NAME.h"'
    return None


def findings(root):
    order = folder_order(root)
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if len(relative.parts) < 2 or not path.is_file():
            continue
        user = relative.parts[0]
        if path.suffix in {".h", ".cc"}:
            if user not in order:
                yield path, 1, f"{user}/ is no folder that src/unbolt/CMakeLists.txt adds"
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                match = INCLUDE.match(line)
                if match:
                    rule = check_include(user, match[1] or match[2], match[1] is not None, order)
                    if rule:
                        yield path, number, rule
        elif path.name == "CMakeLists.txt":
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                for name in LIBRARY.findall(line.split("#")[0]):
                    # A library is named after its folder, or its folder and one in it: unbolt::providers_kv_memory.
                    used = name.split("_")[0]
                    rule = why_not(user, used, order) if used in order else None
                    if rule:
                        yield path, number, f"links upward: {rule}"


def self_test():
    cases = [
        ("base/x.h", '#include "unbolt/engine/store.h"', "engine/ stands above base/"),
        ("engine/x.cc", '#  include "unbolt/component/a.h"', "component/ stands above engine/"),
        ("http/x.h", '#include "unbolt/component/a.h"', "http/ may use base only"),
        ("component/x.cc", "#include <wasmtime.h>", "the engine's headers may be included in engine only"),
        ("component/x.cc", "#include <wasmtime/store.h>", "the engine's headers"),
        ("wasi/x.cc", '#include "unbolt_native.h"', "native/'s header may be included in component, engine only"),
        ("base/x.cc", '#include "error.h"', "included as"),
        ("base/x.cc", '#include "unbolt/nowhere/a.h"', "nowhere/ is no folder"),
        ("base/CMakeLists.txt", "unbolt_library(base SOURCES x.cc DEPS unbolt::engine)", "links upward: engine/"),
        ("base/CMakeLists.txt", "target_link_libraries(x unbolt_wasi_clocks)", "links upward: wasi/"),
        ("engine/x.cc", "#include <wasmtime.h>", None),
        ("component/x.cc", '#include "unbolt_native.h"', None),
        ("wasi/x.cc", '#include "unbolt/base/error.h"', None),
        ("wasi/x.cc", "// #include <wasmtime.h>", None),
        ("wasi/CMakeLists.txt", "unbolt_library(wasi DEPS unbolt::base) # unbolt::cli", None),
    ]
    failed = 0
    for name, text, expected in cases:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            order = ["base", "engine", "component", "http", "wasi", "cli"]
            (root / "CMakeLists.txt").write_text("".join(f"add_subdirectory({f})\n" for f in order))
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text("\n" + text + "\n")
            found = list(findings(root))
            if expected is None:
                good = not found
            else:
                good = len(found) == 1 and expected in found[0][2] and found[0][1] == 2
            if not good:
                failed += 1
                print(f"self-test failed: {name}: {text}: expected {expected!r}, got {[f[1:] for f in found]}")
    print(f"layers: self-test, {len(cases) - failed} of {len(cases)}")
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    repository = pathlib.Path(__file__).resolve().parent.parent
    root = repository / "src" / "unbolt"
    count = 0
    for path, line, rule in findings(root):
        print(f"{path.relative_to(repository)}:{line}: {rule}")
        count += 1
    if count:
        print(f"error: {count} uses against the layers (see CONTRIBUTING.md)", file=sys.stderr)
        return 1
    print(f"layers: {', '.join(folder_order(root))}: in order")
    return 0


if __name__ == "__main__":
    sys.exit(main())
