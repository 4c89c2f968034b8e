//! A program like any other: it says what it was given, counts what it reads, and ends with the status it is told.

use std::io::Read;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    for (place, arg) in args.iter().enumerate() {
        println!("argument {}: {arg}", place + 1);
    }
    for (name, value) in std::env::vars() {
        println!("variable {name}={value}");
    }

    let mut input = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut input) {
        eprintln!("error: standard input: {error}");
        return ExitCode::FAILURE;
    }
    let lines = input.iter().filter(|&&byte| byte == b'\n').count();
    println!("read {} bytes in {lines} lines", input.len());

    // `--exit N` chooses the exit status.
    let status = args.iter().skip_while(|arg| *arg != "--exit").nth(1);
    match status.map(|text| text.parse::<u8>()) {
        None => ExitCode::SUCCESS,
        Some(Ok(status)) => ExitCode::from(status),
        Some(Err(error)) => {
            eprintln!("error: --exit: {error}");
            ExitCode::from(2)
        }
    }
}
