//! Name look-ups, and connections to what they found.

use crate::{Outcome, network, say, shown};
use wasip2::sockets::ip_name_lookup::{ResolveAddressStream, resolve_addresses};
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};

fn with_port(address: IpAddress, port: u16) -> IpSocketAddress {
    match address {
        IpAddress::Ipv4(address) => IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address }),
        IpAddress::Ipv6(address) => {
            IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 })
        }
    }
}

fn all(stream: &ResolveAddressStream) -> Outcome<Vec<IpAddress>> {
    let mut found = vec![];
    loop {
        match stream.resolve_next_address() {
            Ok(Some(address)) => found.push(address),
            Ok(None) => return Ok(found),
            Err(ErrorCode::WouldBlock) => stream.subscribe().block(),
            Err(error) => return Err(error),
        }
    }
}

fn look_up(name: &str) -> Outcome<Vec<IpAddress>> {
    all(&resolve_addresses(&network(), name)?)
}

/// A line for each name: its addresses, or the error.
fn resolve(names: &[&str]) -> Outcome {
    for name in names {
        match look_up(name) {
            Ok(found) => {
                let texts: Vec<String> =
                    found.into_iter().map(|ip| shown(with_port(ip, 0)).trim_end_matches(":0").to_string()).collect();
                say!("{name}: {}", texts.join(" "));
            }
            Err(error) => say!("{name}: {}", error.name()),
        }
    }
    Ok(())
}

/// Looks a name up and connects to what it found, in turn.
fn connect(name: &str, port: u16) -> Outcome {
    for address in look_up(name)? {
        let remote = with_port(address, port);
        match crate::tcp::connect(remote) {
            Ok(_) => say!("{}: connected", shown(remote)),
            Err(error) => say!("{}: {}", shown(remote), error.name()),
        }
    }
    Ok(())
}

/// Starts as many look-ups at once as it may.
fn many(name: &str) -> Outcome {
    let mut streams = vec![];
    let error = loop {
        match resolve_addresses(&network(), name) {
            Ok(stream) => streams.push(stream),
            Err(error) => break error,
        }
        if streams.len() > 1000 {
            break ErrorCode::Unknown;
        }
    };
    say!("{} at once, then {}", streams.len(), error.name());
    Ok(())
}

/// Asks at once, without waiting, and lets go.
fn let_go(name: &str) -> Outcome {
    let stream = resolve_addresses(&network(), name)?;
    say!("at once: {}", match stream.resolve_next_address() {
        Ok(_) => "ok",
        Err(error) => error.name(),
    });
    drop(stream);
    say!("let go");
    Ok(())
}

/// Waits for the answer, however long it takes.
fn wait(name: &str) -> Outcome {
    let stream = resolve_addresses(&network(), name)?;
    say!("waiting");
    let found = all(&stream)?;
    say!("found {}", found.len());
    Ok(())
}

pub fn run(command: &str, rest: &[&str]) -> Option<Outcome> {
    Some(match (command, rest) {
        ("resolve", names) => resolve(names),
        ("resolve-and-connect", [name, port]) => connect(name, port.parse().expect("a port")),
        ("resolve-many", [name]) => many(name),
        ("resolve-and-let-go", [name]) => let_go(name),
        ("resolve-and-wait", [name]) => wait(name),
        _ => return None,
    })
}
