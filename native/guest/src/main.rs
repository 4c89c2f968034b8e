//! `unbolt-guest`: what a build of a guest component needs from the reference tools, at the version the host links, in
//! one small program. It reads files, calls the tool, writes files; a failure is one `error:` line and exit status 1,
//! a wrong command line 2.

#[path = "../../src/exit_status.rs"]
mod exit_status;
// Its tests run with this program's: those of the library would build the engine once more.
#[cfg(test)]
#[path = "../../src/whole_writes.rs"]
mod whole_writes;

use anyhow::{Context, Result, anyhow, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wit_bindgen_core::WorldGenerator;
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding};
use wit_parser::{PackageId, Resolve, UnresolvedPackageGroup, WorldId, WorldItem};

const USAGE: &str = "\
usage: unbolt-guest COMMAND

  bindgen-c WIT --world W --out DIR [WIT OPTIONS]
      write the C bindings of a world: W.h, W.c and W_component_type.o
  bindgen-go WIT --world W --out DIR [WIT OPTIONS]
      write the Go bindings of a world: packages of the module wit_component, and its main package
  component embed WIT --world W CORE.wasm -o OUT.wasm [WIT OPTIONS]
      note in a core module which world it was written for
  component new CORE.wasm -o OUT.wasm [--adapt NAME=ADAPTER.wasm]... [--preview1 command|reactor|proxy]
                [--realloc-via-memory-grow]
      make a component of such a module; --preview1 takes one of the adapters this program carries
  component show FILE.wasm
      list what a component imports and exports
  validate FILE.wasm
      check a component or a core module against the specification
  wit encode WIT -o OUT.wasm [WIT OPTIONS]
      write one WIT package in its binary form
  wit list WIT [WIT OPTIONS]
      list the interfaces and worlds of a package
  wat IN.wat -o OUT.wasm
      translate the text format

WIT is a .wit file or a folder of them. What it uses is looked for in its folder deps/, then, if WIT itself lies in a
folder named deps, beside it, then in every --deps DIR.
WIT OPTIONS: --deps DIR (may be repeated), --feature NAME (may be repeated; lets @unstable items in)
";

/// A command line that this program does not understand.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

fn usage<T>(text: impl Into<String>) -> Result<T> {
    Err(Usage(text.into()).into())
}

/// The words of a command, and its options by name. Every option but a flag takes a value.
#[derive(Default)]
struct Args {
    words: Vec<String>,
    options: Vec<(String, String)>,
}

impl Args {
    fn parse(args: impl Iterator<Item = String>, known: &[&str], flags: &[&str]) -> Result<Self> {
        let mut parsed = Self::default();
        let mut args = args.peekable();
        while let Some(arg) = args.next() {
            if !arg.starts_with('-') {
                parsed.words.push(arg);
                continue;
            }
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => {
                    (name.to_string(), Some(value.to_string()))
                }
                _ => (arg, None),
            };
            if flags.contains(&name.as_str()) {
                parsed.options.push((name, String::new()));
            } else if known.contains(&name.as_str()) {
                match inline.or_else(|| args.next()) {
                    Some(value) => parsed.options.push((name, value)),
                    None => return usage(format!("{name} needs a value")),
                }
            } else {
                return usage(format!("unknown option {name}"));
            }
        }
        Ok(parsed)
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.options.iter().filter(move |o| o.0 == name).map(|o| o.1.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    fn one(&self, name: &str) -> Result<&str> {
        let mut found = self.options.iter().filter(|o| o.0 == name);
        match (found.next(), found.next()) {
            (Some(value), None) => Ok(&value.1),
            (None, _) => usage(format!("{name} is missing")),
            _ => usage(format!("{name} is given twice")),
        }
    }

    fn words<const N: usize>(&self, names: [&str; N]) -> Result<[&str; N]> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        words.try_into().or_else(|words: Vec<&str>| {
            usage(format!("expected {}, found {} word(s)", names.join(" "), words.len()))
        })
    }
}

/// One WIT package with everything it uses.
struct Wit {
    resolve: Resolve,
    package: PackageId,
}

impl Wit {
    fn load(path: &Path, args: &Args) -> Result<Self> {
        let main = parse_package(path)?;
        let mut folders = vec![path.join("deps")];
        let parent = path.canonicalize()?.parent().map(Path::to_path_buf).unwrap_or_default();
        if parent.file_name().is_some_and(|name| name == "deps") {
            folders.push(parent);
        }
        for dir in args.all("--deps") {
            if !Path::new(dir).is_dir() {
                bail!("{dir}: no such folder");
            }
            folders.push(dir.into());
        }

        let mut found = Vec::new();
        for folder in folders.iter().filter(|f| f.is_dir()) {
            for path in packages_in(folder)? {
                found.push(parse_package(&path)?);
            }
        }
        let deps = used_by(&main, found);

        let mut resolve = Resolve::default();
        resolve.features.extend(args.all("--feature").map(str::to_string));
        let package = resolve.push_groups(main, deps).map_err(|error| {
            let error = anyhow::Error::from(error);
            anyhow!("{}", resolve.render_error(&error))
        })?;
        Ok(Self { resolve, package })
    }

    fn world(&self, name: &str) -> Result<WorldId> {
        self.resolve.select_world(&[self.package], Some(name))
    }
}

/// Those of the packages found that `main` uses, directly or not. Others would only lengthen the generated names, which
/// carry a version where two packages share a name.
fn used_by(
    main: &UnresolvedPackageGroup,
    mut found: Vec<UnresolvedPackageGroup>,
) -> Vec<UnresolvedPackageGroup> {
    let names = |group: &UnresolvedPackageGroup| {
        let packages = std::iter::once(&group.main).chain(&group.nested);
        packages.flat_map(|p| p.foreign_deps.keys().cloned()).collect::<Vec<_>>()
    };
    let mut taken: Vec<UnresolvedPackageGroup> = Vec::new();
    let mut wanted = names(main);
    while let Some(name) = wanted.pop() {
        let known = name == main.main.name || taken.iter().any(|group| group.main.name == name);
        let place = found.iter().position(|group| group.main.name == name);
        if let (false, Some(place)) = (known, place) {
            let group = found.remove(place);
            wanted.extend(names(&group));
            taken.push(group);
        }
    }
    taken
}

fn parse_package(path: &Path) -> Result<UnresolvedPackageGroup> {
    let parse_file = || {
        let text = std::fs::read_to_string(path)?;
        UnresolvedPackageGroup::parse(path, &text)
            .map_err(|(sources, error)| anyhow!("{}", error.render(&sources)))
    };
    let group = if path.is_dir() { UnresolvedPackageGroup::parse_dir(path) } else { parse_file() };
    group.with_context(|| path.display().to_string())
}

/// The packages in a folder of packages, in the order of their names.
fn packages_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.is_dir() || path.extension().is_some_and(|e| e == "wit") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &str) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| path.to_string())
}

/// Writes beside the target and renames, so that a reader never meets half a file.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.tmp", std::process::id()));
    let written = std::fs::write(&partial, bytes).and_then(|()| std::fs::rename(&partial, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written.with_context(|| path.display().to_string())
}

fn check(bytes: &[u8]) -> Result<()> {
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
        .validate_all(bytes)?;
    Ok(())
}

const WIT_OPTIONS: [&str; 2] = ["--deps", "--feature"];

fn bindgen(
    mut generator: Box<dyn WorldGenerator>,
    args: impl Iterator<Item = String>,
) -> Result<()> {
    let args = Args::parse(args, &[&WIT_OPTIONS[..], &["--world", "--out"]].concat(), &[])?;
    let [path] = args.words(["WIT"])?;
    let (world, out) = (args.one("--world")?, Path::new(args.one("--out")?));
    let mut wit = Wit::load(Path::new(path), &args)?;
    let world = wit.world(world)?;

    let mut files = wit_bindgen_core::Files::default();
    generator.generate(&mut wit.resolve, world, &mut files)?;
    for (name, contents) in files.iter() {
        let path = out.join(name);
        let folder = path.parent().unwrap_or(out);
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        write(&path, contents)?;
    }
    Ok(())
}

fn component_embed(args: impl Iterator<Item = String>) -> Result<()> {
    let args = Args::parse(args, &[&WIT_OPTIONS[..], &["--world", "-o"]].concat(), &[])?;
    let [path, core] = args.words(["WIT", "CORE.wasm"])?;
    let out = args.one("-o")?;
    let wit = Wit::load(Path::new(path), &args)?;
    let world = wit.world(args.one("--world")?)?;
    let mut module = read(core)?;
    wit_component::embed_component_metadata(
        &mut module,
        &wit.resolve,
        world,
        StringEncoding::UTF8,
    )?;
    write(Path::new(out), &module)
}

fn component_new(args: impl Iterator<Item = String>) -> Result<()> {
    const REALLOC: &str = "--realloc-via-memory-grow";
    let args = Args::parse(args, &["--adapt", "--preview1", "-o"], &[REALLOC])?;
    let [core] = args.words(["CORE.wasm"])?;
    let out = args.one("-o")?;

    let mut module = read(core)?;
    if args.all("--preview1").any(|kind| kind == "command") {
        module = exit_status::keep_exit_status(&module).map_err(anyhow::Error::msg)?.into_owned();
    }
    let mut encoder = ComponentEncoder::default().validate(true).module(&module)?;
    encoder = encoder.realloc_via_memory_grow(args.has(REALLOC));
    for adapter in args.all("--adapt") {
        let Some((name, file)) = adapter.split_once('=') else {
            return usage(format!("--adapt {adapter}: expected NAME=ADAPTER.wasm"));
        };
        encoder = encoder.adapter(name, &read(file)?).with_context(|| file.to_string())?;
    }
    for kind in args.all("--preview1") {
        use wasi_preview1_component_adapter_provider::*;
        let adapter = match kind {
            "command" => WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
            "reactor" => WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            "proxy" => WASI_SNAPSHOT_PREVIEW1_PROXY_ADAPTER,
            _ => return usage(format!("--preview1 {kind}: expected command, reactor or proxy")),
        };
        encoder = encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter)?;
    }
    let component = encoder.encode().with_context(|| core.to_string())?;
    write(Path::new(out), &component)
}

fn component_show(args: impl Iterator<Item = String>) -> Result<()> {
    let args = Args::parse(args, &[], &[])?;
    let [file] = args.words(["FILE.wasm"])?;
    let DecodedWasm::Component(resolve, world) = wit_component::decode(&read(file)?)? else {
        bail!("{file}: a WIT package, not a component");
    };
    let world = &resolve.worlds[world];
    for (verb, items) in [("import", &world.imports), ("export", &world.exports)] {
        for (key, item) in items {
            if !matches!(item, WorldItem::Type { .. }) {
                println!("{verb} {}", resolve.name_world_key(key));
            }
        }
    }
    Ok(())
}

fn validate(args: impl Iterator<Item = String>) -> Result<()> {
    let args = Args::parse(args, &[], &[])?;
    let [file] = args.words(["FILE.wasm"])?;
    check(&read(file)?).with_context(|| file.to_string())
}

fn wit_encode(args: impl Iterator<Item = String>) -> Result<()> {
    let args = Args::parse(args, &[&WIT_OPTIONS[..], &["-o"]].concat(), &[])?;
    let [path] = args.words(["WIT"])?;
    let out = args.one("-o")?;
    let wit = Wit::load(Path::new(path), &args)?;
    let bytes = wit_component::encode(&wit.resolve, wit.package)?;
    check(&bytes)?;
    write(Path::new(out), &bytes)
}

fn wit_list(args: impl Iterator<Item = String>) -> Result<()> {
    let args = Args::parse(args, &WIT_OPTIONS, &[])?;
    let [path] = args.words(["WIT"])?;
    let wit = Wit::load(Path::new(path), &args)?;
    let package = &wit.resolve.packages[wit.package];
    for name in package.interfaces.keys() {
        println!("interface {}", package.name.interface_id(name));
    }
    for name in package.worlds.keys() {
        println!("world {}", package.name.interface_id(name));
    }
    Ok(())
}

fn wat(args: impl Iterator<Item = String>) -> Result<()> {
    let args = Args::parse(args, &["-o"], &[])?;
    let [file] = args.words(["IN.wat"])?;
    let out = args.one("-o")?;
    write(Path::new(out), &wat::parse_file(file)?)
}

fn run(mut args: impl Iterator<Item = String>) -> Result<()> {
    let command = args.next().unwrap_or_default();
    match command.as_str() {
        "bindgen-c" => bindgen(wit_bindgen_c::Opts::default().build(), args),
        "bindgen-go" => bindgen(wit_bindgen_go::Opts::default().build(), args),
        "validate" => validate(args),
        "wat" => wat(args),
        "component" | "wit" => {
            let verb = args.next().unwrap_or_default();
            match (command.as_str(), verb.as_str()) {
                ("component", "embed") => component_embed(args),
                ("component", "new") => component_new(args),
                ("component", "show") => component_show(args),
                ("wit", "encode") => wit_encode(args),
                ("wit", "list") => wit_list(args),
                _ => usage(format!("unknown command {command} {verb}")),
            }
        }
        "-h" | "--help" | "help" => {
            print!("{USAGE}");
            Ok(())
        }
        "" => usage("no command is given"),
        other => usage(format!("unknown command {other}")),
    }
}

fn main() -> ExitCode {
    let Err(error) = run(std::env::args().skip(1)) else {
        return ExitCode::SUCCESS;
    };
    if error.is::<Usage>() {
        eprintln!("error: {error}; `unbolt-guest help` lists the commands");
        return ExitCode::from(2);
    }
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
