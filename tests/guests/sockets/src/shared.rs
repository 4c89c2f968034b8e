//! What the sub-commands share, and the choice among them.

use crate::{names, states, tcp, udp};
use std::sync::Mutex;
use wasip2::cli::stdout;
use wasip2::clocks::monotonic_clock;
use wasip2::io::poll;
use wasip2::io::streams::StreamError;
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress, Network,
};

pub type Outcome<T = ()> = Result<T, ErrorCode>;

pub const MILLISECOND: u64 = 1_000_000;

/// Where lines go instead, once it is there.
pub static LINES: Mutex<Option<String>> = Mutex::new(None);

/// One line of standard output, at once.
pub fn say(text: &str) {
    if let Some(lines) = LINES.lock().expect("nobody panics with it").as_mut() {
        lines.push_str(text);
        lines.push('\n');
        return;
    }
    let stream = stdout::get_stdout();
    let line = format!("{text}\n");
    for part in line.as_bytes().chunks(4096) {
        stream.blocking_write_and_flush(part).expect("standard output takes lines");
    }
}

#[macro_export]
macro_rules! say {
    ($($arg:tt)*) => { $crate::say(&format!($($arg)*)) };
}

/// What was answered, by name.
pub fn show<T>(what: &str, outcome: Outcome<T>) -> Option<T> {
    match outcome {
        Ok(value) => {
            say!("{what}: ok");
            Some(value)
        }
        Err(error) => {
            say!("{what}: {}", error.name());
            None
        }
    }
}

pub fn stream_error(error: &StreamError) -> String {
    match error {
        StreamError::Closed => "closed".into(),
        StreamError::LastOperationFailed(error) => format!("failed: {}", error.to_debug_string()),
    }
}

pub fn network() -> Network {
    instance_network()
}

/// `127.0.0.1:80` or `[::1]:80`.
pub fn address(text: &str) -> IpSocketAddress {
    match text.parse::<std::net::SocketAddr>().expect("an address and a port") {
        std::net::SocketAddr::V4(v4) => {
            let [a, b, c, d] = v4.ip().octets();
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port: v4.port(), address: (a, b, c, d) })
        }
        std::net::SocketAddr::V6(v6) => {
            let [a, b, c, d, e, f, g, h] = v6.ip().segments();
            IpSocketAddress::Ipv6(Ipv6SocketAddress {
                port: v6.port(),
                flow_info: v6.flowinfo(),
                address: (a, b, c, d, e, f, g, h),
                scope_id: v6.scope_id(),
            })
        }
    }
}

pub fn shown(address: IpSocketAddress) -> String {
    match address {
        IpSocketAddress::Ipv4(v4) => {
            let (a, b, c, d) = v4.address;
            format!("{a}.{b}.{c}.{d}:{}", v4.port)
        }
        IpSocketAddress::Ipv6(v6) => {
            let (a, b, c, d, e, f, g, h) = v6.address;
            format!("[{}]:{}", std::net::Ipv6Addr::new(a, b, c, d, e, f, g, h), v6.port)
        }
    }
}

pub fn family(address: IpSocketAddress) -> IpAddressFamily {
    match address {
        IpSocketAddress::Ipv4(_) => IpAddressFamily::Ipv4,
        IpSocketAddress::Ipv6(_) => IpAddressFamily::Ipv6,
    }
}

/// Waits for the pollable, but not for longer than that; whether it was in time.
pub fn within(pollable: &wasip2::io::poll::Pollable, milliseconds: u64) -> bool {
    let timer = monotonic_clock::subscribe_duration(milliseconds * MILLISECOND);
    poll::poll(&[pollable, &timer]).contains(&0)
}

pub fn sleep(milliseconds: u64) {
    monotonic_clock::subscribe_duration(milliseconds * MILLISECOND).block();
}

/// Runs a sub-command; false where it failed or there is none.
pub fn run(arguments: &[&str]) -> bool {
    std::panic::set_hook(Box::new(|info| say!("panic: {info}")));
    let Some((command, rest)) = arguments.split_first() else {
        say!("no sub-command");
        return false;
    };
    let outcome = tcp::run(command, rest)
        .or_else(|| udp::run(command, rest))
        .or_else(|| names::run(command, rest))
        .or_else(|| states::run(command, rest));
    match outcome {
        Some(Ok(())) => true,
        Some(Err(error)) => {
            say!("error: {}", error.name());
            false
        }
        None => {
            say!("no such sub-command: {command}");
            false
        }
    }
}
