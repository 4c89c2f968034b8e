//! The web front of the shop: `POST /orders` with `ITEM COUNT` asks for the price and publishes the order, `GET /` shows
//! what was sold.

mod web;

wit_bindgen::generate!({
    world: "shop:front/front",
    path: [
        "../../../wit/deps/io",
        "../../../wit/deps/clocks",
        "../../../wit/deps/random",
        "../../../wit/deps/filesystem",
        "../../../wit/deps/sockets",
        "../../../wit/deps/cli",
        "../../../wit/deps/http",
        "../../../wit/deps/messaging",
        "../../../wit/deps/config",
        "../../../wit/deps/keyvalue",
        "../pricing/wit",
        "../totals/wit",
        "wit",
    ],
    generate_all,
});

use crate::shop::pricing::prices;
use crate::shop::totals::report;
use crate::wasi::http::types::Method;
use crate::wasmcloud::messaging::consumer::{self, BrokerMessage};
use crate::web::Answer;

fn answer(method: &Method, path: &str, body: &str) -> Answer {
    match (method, path) {
        (Method::Post, "/orders") => order(body),
        (Method::Get, "/") => totals(),
        _ => (404, "POST /orders takes an order, GET / shows what was sold".to_string()),
    }
}

/// The order is placed when the broker has it; who handles it, and when, is not for the front to know.
fn order(text: &str) -> Answer {
    let [item, count] = text.split_whitespace().collect::<Vec<_>>()[..] else {
        return (400, "an order is ITEM COUNT, as in: apple 3".to_string());
    };
    let Ok(count @ 1..=1000) = count.parse() else {
        return (400, format!("{count}: an order is of 1 to 1000"));
    };
    let cents = match prices::quote(item, count) {
        Ok(cents) => cents,
        Err(why) => return (422, format!("{item}: {why}")),
    };
    let message = BrokerMessage {
        subject: "orders.placed".to_string(),
        body: format!("{item} {count} {cents}").into_bytes(),
        reply_to: None,
    };
    match consumer::publish(&message) {
        Ok(()) => (202, format!("{count} {item}: {}", euros(cents))),
        Err(why) => (503, format!("the order was not placed: {why}")),
    }
}

fn totals() -> Answer {
    match report::lines() {
        Ok(lines) if lines.is_empty() => (200, "nothing was sold yet".to_string()),
        Ok(lines) => {
            let line =
                |l: &report::Line| format!("{:<8} {:>8} {:>14}", l.item, l.count, euros(l.cents));
            (200, lines.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        Err(why) => (503, why),
    }
}

fn euros(cents: u64) -> String {
    format!("{}.{:02} EUR", cents / 100, cents % 100)
}
