//! The guest tool from outside: what it writes, and how it fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_unbolt-guest")).args(args).output().expect("the tool starts")
}

fn error_of(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("an error is text")
}

/// A folder for one test, empty at its start.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder can be made");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

#[test]
fn every_contract_has_a_binary_form_that_names_it() {
    let out = folder("encode").join("package.wasm");
    let contracts = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where it is")).join("../../wit/deps");
    let mut count = 0;
    for entry in contracts.read_dir().expect("the contracts are there") {
        let package = entry.expect("an entry can be read").path();
        let encoded = run(&["wit", "encode", text(&package), "-o", text(&out)]);
        assert!(encoded.status.success(), "{}: {}", package.display(), error_of(&encoded));
        let decoded = wit_component::decode(&std::fs::read(&out).expect("a file was written"))
            .expect("the file is well formed");
        let name = decoded.resolve().packages[decoded.package()].name.to_string();
        let listed = run(&["wit", "list", text(&package)]);
        let listed = String::from_utf8(listed.stdout).expect("a list is text");
        let prefix = name.split('@').next().expect("a name has a beginning");
        assert!(listed.lines().count() > 0, "{name} lists nothing");
        assert!(listed.lines().all(|line| line.contains(prefix)), "{name}: {listed}");
        count += 1;
    }
    assert!(count >= 12, "only {count} packages");
}

#[test]
fn a_core_module_becomes_a_component_with_the_carried_adapter() {
    let folder = folder("preview1");
    let (wat, core) = (folder.join("in.wat"), folder.join("core.wasm"));
    let component = folder.join("component.wasm");
    let source = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start") (call $exit (i32.const 0))))"#;
    std::fs::write(&wat, source).expect("a file can be written");
    assert!(run(&["wat", text(&wat), "-o", text(&core)]).status.success());

    let bare = run(&["component", "new", text(&core), "-o", text(&component)]);
    assert_eq!(bare.status.code(), Some(1));
    assert!(error_of(&bare).contains("wasi_snapshot_preview1"), "{}", error_of(&bare));
    assert!(!component.exists(), "a failure left a file");

    let adapted =
        run(&["component", "new", text(&core), "-o", text(&component), "--preview1=command"]);
    assert!(adapted.status.success(), "{}", error_of(&adapted));
    assert!(run(&["validate", text(&component)]).status.success());
    let shown = run(&["component", "show", text(&component)]);
    let shown = String::from_utf8(shown.stdout).expect("a list is text");
    assert!(shown.contains("export wasi:cli/run@0.2"), "{shown}");
}

#[test]
fn the_world_of_a_module_can_be_embedded_or_generated_for_c() {
    let folder = folder("world");
    let (wit, wat) = (folder.join("world.wit"), folder.join("in.wat"));
    let (core, noted) = (folder.join("core.wasm"), folder.join("noted.wasm"));
    let component = folder.join("component.wasm");
    let world = "package a:b; world adder { export add: func(a: u32, b: u32) -> u32; }";
    std::fs::write(&wit, world).expect("a file can be written");
    let source = r#"(module (func (export "add") (param i32 i32) (result i32)
        (i32.add (local.get 0) (local.get 1))))"#;
    std::fs::write(&wat, source).expect("a file can be written");
    assert!(run(&["wat", text(&wat), "-o", text(&core)]).status.success());
    let embed = ["component", "embed", text(&wit), "--world", "adder", text(&core)];
    assert!(run(&[&embed[..], &["-o", text(&noted)]].concat()).status.success());
    assert!(run(&["component", "new", text(&noted), "-o", text(&component)]).status.success());

    let bindings = folder.join("bindings");
    let out = ["--world", "adder", "--out", text(&bindings)];
    assert!(run(&[&["bindgen-c", text(&wit)], &out[..]].concat()).status.success());
    for name in ["adder.h", "adder.c", "adder_component_type.o"] {
        assert!(bindings.join(name).is_file(), "{name} is missing");
    }

    assert!(run(&[&["bindgen-go", text(&wit)], &out[..]].concat()).status.success());
    for name in ["wit_exports.go", "go.mod"] {
        assert!(bindings.join(name).is_file(), "{name} is missing");
    }

    let unknown = run(&["bindgen-c", text(&wit), "--world", "other", "--out", text(&bindings)]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(error_of(&unknown).contains("other"), "{}", error_of(&unknown));
}

#[test]
fn failures_name_the_file_and_bad_usage_is_told_apart() {
    let missing = run(&["wit", "encode", "/nowhere/at/all", "-o", "/dev/null"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(error_of(&missing).starts_with("error: /nowhere/at/all"), "{}", error_of(&missing));

    for args in [&[][..], &["brew"], &["wit", "brew"], &["wat", "a.wat"], &["wat", "a.wat", "-x"]] {
        let failed = run(args);
        assert_eq!(failed.status.code(), Some(2), "{args:?}");
        assert!(error_of(&failed).starts_with("error: "), "{args:?}: {}", error_of(&failed));
    }
    assert!(run(&["help"]).status.success());
}
