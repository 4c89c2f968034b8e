//! A program of the command line: unbolt run target/wasm32-wasip1/release/@NAME@.wasm -- ARGUMENTS

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    println!("Hello from @NAME@ {}", arguments.join(" "));
}
