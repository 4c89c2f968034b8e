//! Keeps what was sold: a message `ITEM COUNT CENTS` for each order adds to two counters of its item.

wit_bindgen::generate!({
    world: "shop:totals/totals",
    path: ["../../../wit/deps/messaging", "../../../wit/deps/keyvalue", "wit"],
    generate_all,
});

use std::collections::BTreeMap;

use crate::exports::shop::totals::report::{self, Line};
use crate::exports::wasmcloud::messaging::handler::{self, BrokerMessage};
use crate::wasi::keyvalue::atomics;
use crate::wasi::keyvalue::store::{self, Bucket, Error};

struct Totals;

impl handler::Guest for Totals {
    fn handle_message(message: BrokerMessage) -> Result<(), String> {
        let order = String::from_utf8(message.body).map_err(|_| "an order is text")?;
        let [item, count, cents] = order.split(' ').collect::<Vec<_>>()[..] else {
            return Err("an order is ITEM COUNT CENTS".to_string());
        };
        let bucket = open()?;
        add(&bucket, &format!("{item} count"), count)?;
        add(&bucket, &format!("{item} cents"), cents)
    }
}

fn add(bucket: &Bucket, key: &str, more: &str) -> Result<(), String> {
    let more = more.parse().map_err(|_| format!("{key}: {more} is no number"))?;
    atomics::increment(bucket, key, more).map_err(failed)?;
    Ok(())
}

impl report::Guest for Totals {
    fn lines() -> Result<Vec<Line>, String> {
        let bucket = open()?;
        let mut lines = BTreeMap::new();
        let mut cursor = None;
        loop {
            let page = bucket.list_keys(cursor).map_err(failed)?;
            for key in page.keys {
                let Some((item, what)) = key.split_once(' ') else { continue };
                let value = number(&bucket, &key)?;
                let line = lines.entry(item.to_string()).or_insert((0, 0));
                if what == "count" { line.0 = value } else { line.1 = value }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(lines.into_iter().map(|(item, (count, cents))| Line { item, count, cents }).collect())
    }
}

/// The value of a counter: `increment` writes decimal digits.
fn number(bucket: &Bucket, key: &str) -> Result<u64, String> {
    let value = bucket.get(key).map_err(failed)?.unwrap_or_default();
    String::from_utf8_lossy(&value).parse().map_err(|_| format!("{key}: not a number"))
}

fn open() -> Result<Bucket, String> {
    store::open("totals").map_err(failed)
}

fn failed(error: Error) -> String {
    format!("the totals are out of reach: {error}")
}

export!(Totals);
