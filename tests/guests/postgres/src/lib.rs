//! A handler over wasmcloud:postgres. Each line of the body is a call, run in their order:
//!
//!     query SQL, exec SQL    the values of its placeholders follow, a tab in front of each, as TYPE:VALUE; `exec` prepares
//!     again SQL              as `exec`, with the token of the last one
//!     batch SQL
//!     echo SQL               asks `SQL`, and gives its first value back to `SELECT $1::TYPE::text`, TYPE behind a tab
//!     token TEXT             executes what was never prepared
//!     link NAME              calls go to the link of this name from now on
//!
//! and is answered by a line: the rows, with `; ` between them, the number of rows, or `error: WHY`.

#[path = "../../sql/src/exchange.rs"]
mod exchange;

wit_bindgen::generate!({
    world: "test:postgres/guest",
    path: [
        "../../../wit/deps/io",
        "../../../wit/deps/clocks",
        "../../../wit/deps/random",
        "../../../wit/deps/filesystem",
        "../../../wit/deps/sockets",
        "../../../wit/deps/cli",
        "../../../wit/deps/http",
        "../../../wit/deps/postgres",
        "../../../wit/deps/bus",
        "wit",
    ],
    generate_all,
});

use crate::exports::wasi::http::incoming_handler::Guest;
use crate::wasi::http::types::{IncomingRequest, ResponseOutparam};
use crate::wasmcloud::bus::lattice::{CallTargetInterface, set_link_name};
use crate::wasmcloud::postgres::prepared::{exec, prepare};
use crate::wasmcloud::postgres::query::{query, query_batch};
use crate::wasmcloud::postgres::types::{PgValue, ResultRow};

struct Postgres;

impl Guest for Postgres {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let mut token = String::new();
        let mut lines = String::new();
        for line in exchange::body_of(&request).lines() {
            lines += &run(line, &mut token).unwrap_or_else(|why| format!("error: {why}"));
            lines += "\n";
        }
        exchange::answer(out, 200, &lines);
    }
}

fn run(line: &str, token: &mut String) -> Result<String, String> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut parts = rest.split('\t');
    let sql = parts.next().unwrap_or_default();
    if verb == "echo" {
        let first = query(sql, &[]).map_err(|e| e.to_string())?.swap_remove(0).swap_remove(0);
        let shown = format!("{:?}", first.value);
        let again = format!("SELECT $1::{}::text", parts.next().unwrap_or("text"));
        let back = query(&again, &[first.value]).map_err(|e| format!("{shown} {e}"))?;
        return Ok(format!("{shown} {:?}", back[0][0].value));
    }
    if verb == "link" {
        let targets =
            ["query", "prepared"].map(|name| CallTargetInterface::new("wasmcloud", "postgres", name));
        return set_link_name(rest, Vec::from(targets)).map(|()| "chosen".to_string());
    }
    let values = parts.map(value).collect::<Result<Vec<_>, _>>()?;
    match verb {
        "query" => Ok(show(&query(sql, &values).map_err(|e| e.to_string())?)),
        "batch" => query_batch(sql).map(|()| "done".to_string()).map_err(|e| e.to_string()),
        "exec" => {
            *token = prepare(sql).map_err(|e| e.to_string())?;
            Ok(exec(token, &values).map_err(|e| e.to_string())?.to_string())
        }
        "again" => Ok(exec(token, &values).map_err(|e| e.to_string())?.to_string()),
        "token" => Ok(exec(sql, &values).map_err(|e| e.to_string())?.to_string()),
        _ => Err(format!("no line begins with '{verb}'")),
    }
}

fn value(text: &str) -> Result<PgValue, String> {
    let (kind, value) = text.split_once(':').unwrap_or((text, ""));
    let number = || value.parse::<i64>().map_err(|e| format!("{value}: {e}"));
    Ok(match kind {
        "null" => PgValue::Null,
        "text" => PgValue::Text(value.to_string()),
        "bool" => PgValue::Bool(value == "true"),
        "int4" => PgValue::Int4(number()? as i32),
        "int8" => PgValue::Int8(number()?),
        "numeric" => PgValue::Numeric(value.to_string()),
        "bytea" => PgValue::Bytea(value.as_bytes().to_vec()),
        "uuid" => PgValue::Uuid(value.to_string()),
        "int4s" => PgValue::Int4Array(value.split(',').map(|n| n.parse().unwrap_or(0)).collect()),
        "texts" => PgValue::TextArray(value.split(',').map(str::to_string).collect()),
        "char" => PgValue::Char((3, value.as_bytes().to_vec())),
        "raw" => PgValue::Varchar((None, vec![0xff, 0xfe])),
        _ => return Err(format!("no value is a '{kind}'")),
    })
}

fn show(rows: &[ResultRow]) -> String {
    let shown = rows.iter().map(|row| {
        let cells = row.iter().map(|cell| format!("{}={:?}", cell.column_name, cell.value));
        cells.collect::<Vec<_>>().join(" ")
    });
    shown.collect::<Vec<_>>().join("; ")
}

export!(Postgres);
