//! A command that uses wasi:sockets as its arguments say: one sub-command of `tcp.rs`, `udp.rs`, `names.rs` or
//! `states.rs`. It prints what happened, a line each, and fails where it met an error that it does not print.

mod names;
mod shared;
mod states;
mod tcp;
mod udp;

pub use shared::*;

struct Command;

impl wasip2::exports::cli::run::Guest for Command {
    fn run() -> Result<(), ()> {
        let all = wasip2::cli::environment::get_arguments();
        let arguments: Vec<&str> = all.iter().skip(1).map(String::as_str).collect();
        shared::run(&arguments).then_some(()).ok_or(())
    }
}

wasip2::cli::command::export!(Command);
