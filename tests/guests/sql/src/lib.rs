//! A handler over wasi:sql. Each line of the body is a statement, run in their order on one connection:
//!
//!     exec SQL, query SQL    the values of its placeholders follow, a tab in front of each
//!     open NAME              goes on with a connection of this name; the one before is dropped
//!     link NAME              connections are opened at the link of this name from now on
//!     hold N                 prepares N statements of a million bytes, and drops them
//!     keep                   the connection outlives the request, for the next one of this instance
//!
//! and is answered by a line: the number of rows, the values as NAME=TYPE(VALUE), or `error: WHY`. A request without a
//! body moves a unit between two accounts, `from` and `to`, in a transaction: 200, or 500 and why not.

mod exchange;

wit_bindgen::generate!({
    world: "test:sql/guest",
    path: [
        "../../../wit/deps/io",
        "../../../wit/deps/clocks",
        "../../../wit/deps/random",
        "../../../wit/deps/filesystem",
        "../../../wit/deps/sockets",
        "../../../wit/deps/cli",
        "../../../wit/deps/http",
        "../../../wit/deps/sql",
        "../../../wit/deps/bus",
        "wit",
    ],
    generate_all,
});

use std::cell::RefCell;

use crate::exports::wasi::http::incoming_handler::Guest;
use crate::wasi::http::types::{IncomingRequest, ResponseOutparam};
use crate::wasi::sql::readwrite;
use crate::wasi::sql::types::{Connection, DataType, Error, Row, Statement};
use crate::wasmcloud::bus::lattice::{CallTargetInterface, set_link_name};

struct Sql;

thread_local! {
    static KEPT: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

impl Guest for Sql {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let body = exchange::body_of(&request);
        if body.is_empty() {
            return match transfer() {
                Ok(moved) => exchange::answer(out, 200, &moved),
                Err(why) => exchange::answer(out, 500, &why),
            };
        }
        let mut lines = String::new();
        for line in body.lines() {
            lines += &run(line).unwrap_or_else(|why| format!("error: {why}"));
            lines += "\n";
        }
        if !body.lines().any(|line| line == "keep") {
            KEPT.set(None);
        }
        exchange::answer(out, 200, &lines);
    }
}

fn run(line: &str) -> Result<String, String> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    if verb == "link" {
        let targets = ["types", "readwrite"].map(|name| CallTargetInterface::new("wasi", "sql", name));
        set_link_name(rest, Vec::from(targets))?;
        return Ok("chosen".to_string());
    }
    if verb == "open" {
        KEPT.set(None);
        KEPT.set(Some(Connection::open(rest).map_err(text)?));
        return Ok("opened".to_string());
    }
    KEPT.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Some(Connection::open("").map_err(text)?);
        }
        let connection = kept.as_ref().expect("it was opened");
        match verb {
            "exec" => Ok(readwrite::exec(connection, &statement(rest)?).map_err(text)?.to_string()),
            "query" => Ok(show(&readwrite::query(connection, &statement(rest)?).map_err(text)?)),
            "keep" => Ok("kept".to_string()),
            "hold" => hold(rest),
            _ => Err(format!("no line begins with '{verb}'")),
        }
    })
}

fn statement(line: &str) -> Result<Statement, String> {
    let mut parts = line.split('\t');
    let sql = parts.next().unwrap_or_default();
    Statement::prepare(sql, &parts.map(str::to_string).collect::<Vec<_>>()).map_err(text)
}

/// So many statements of a million bytes at a time.
fn hold(count: &str) -> Result<String, String> {
    let sql = format!("SELECT 1 -- {}", "x".repeat(1_000_000));
    let count = count.parse().map_err(|_| "hold NUMBER")?;
    let held: Result<Vec<_>, _> = (0..count).map(|_| Statement::prepare(&sql, &[]).map_err(text)).collect();
    Ok(format!("{} held", held?.len()))
}

fn text(error: Error) -> String {
    error.trace()
}

fn show(cells: &[Row]) -> String {
    let shown = cells.iter().map(|cell| {
        let value = match &cell.value {
            DataType::Int32(value) => format!("int32({value})"),
            DataType::Int64(value) => format!("int64({value})"),
            DataType::Uint32(value) => format!("uint32({value})"),
            DataType::Uint64(value) => format!("uint64({value})"),
            DataType::Float(value) => format!("float({value})"),
            DataType::Double(value) => format!("double({value})"),
            DataType::Str(value) => format!("str({value})"),
            DataType::Boolean(value) => format!("boolean({value})"),
            DataType::Date(value) => format!("date({value})"),
            DataType::Time(value) => format!("time({value})"),
            DataType::Timestamp(value) => format!("timestamp({value})"),
            DataType::Binary(value) => format!("binary({value:02x?})"),
            DataType::Null => "null".to_string(),
        };
        format!("{}={value}", cell.field_name)
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn transfer() -> Result<String, String> {
    let connection = Connection::open("").map_err(text)?;
    let exec = |sql: &str| readwrite::exec(&connection, &statement(sql)?).map_err(text);
    exec("BEGIN")?;
    let taken = exec("UPDATE account SET units = units - 1 WHERE name = ?\tfrom")?;
    let given = exec("UPDATE account SET units = units + 1 WHERE name = ?\tto")?;
    exec("COMMIT")?;
    if (taken, given) == (1, 1) { Ok("moved\n".to_string()) } else { Err("no accounts\n".to_string()) }
}

export!(Sql);
