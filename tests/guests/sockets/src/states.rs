//! What each function of a TCP socket answers in each of its states, and what each address is.

use crate::tcp::{accept, connect, listen};
use crate::{Outcome, address, family, network, say, show, shown};
use wasip2::sockets::network::{ErrorCode, IpSocketAddress};
use wasip2::sockets::tcp::{ShutdownType, TcpSocket};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

const SECOND: u64 = 1_000_000_000;

fn name<T>(outcome: Outcome<T>) -> &'static str {
    match outcome {
        Ok(_) => "ok",
        Err(error) => error.name(),
    }
}

/// One line: what the functions that depend on the state answer. Those that would change it are left out where they
/// would succeed.
fn table(state: &str, socket: &TcpSocket, local: IpSocketAddress) {
    let mut answers = vec![];
    let mut add = |function: &str, answer: &str| answers.push(format!("{function}={answer}"));
    if state != "unbound" {
        add("start-bind", name(socket.start_bind(&network(), local)));
    }
    if state != "bind-started" {
        add("finish-bind", name(socket.finish_bind()));
    }
    if state != "unbound" && state != "bound" {
        add("start-connect", name(socket.start_connect(&network(), local)));
    }
    if state != "connecting" {
        add("finish-connect", name(socket.finish_connect()));
    }
    if state != "bound" {
        add("start-listen", name(socket.start_listen()));
    }
    if state != "listen-started" {
        add("finish-listen", name(socket.finish_listen()));
    }
    add("accept", name(socket.accept()));
    if state != "connected" {
        add("shutdown", name(socket.shutdown(ShutdownType::Both)));
    }
    add("local-address", name(socket.local_address()));
    add("remote-address", name(socket.remote_address()));
    add("is-listening", if socket.is_listening() { "yes" } else { "no" });
    add("backlog", name(socket.set_listen_backlog_size(32)));
    add("keep-alive", name(socket.set_keep_alive_enabled(false)));
    add("hop-limit", name(socket.set_hop_limit(255)));
    add("buffer", name(socket.set_receive_buffer_size(16000)));
    assert_eq!(socket.address_family(), family(local));
    say!("{state}: {}", answers.join(" "));
}

fn states(local: &str) -> Outcome {
    let local = address(local);
    let socket = create_tcp_socket(family(local))?;
    table("unbound", &socket, local);
    socket.start_bind(&network(), local)?;
    table("bind-started", &socket, local);
    socket.finish_bind()?;
    table("bound", &socket, local);
    socket.start_listen()?;
    table("listen-started", &socket, local);
    socket.finish_listen()?;
    table("listening", &socket, local);
    let at = socket.local_address()?;
    let client = create_tcp_socket(family(local))?;
    client.start_connect(&network(), at)?;
    table("connecting", &client, local);
    while let Err(error) = client.finish_connect() {
        assert_eq!(error, ErrorCode::WouldBlock);
        client.subscribe().block();
    }
    table("connected", &client, local);
    let server = accept(&socket)?;
    table("accepted", &server.socket, local);
    let port = {
        let closed = listen(local, None)?;
        closed.local_address()?
    };
    let refused = create_tcp_socket(family(local))?;
    refused.start_connect(&network(), port)?;
    while let Err(ErrorCode::WouldBlock) = refused.finish_connect() {
        refused.subscribe().block();
    }
    table("closed", &refused, local);
    Ok(())
}

/// Connects to and binds each address, and says how it was answered.
fn addresses(what: &str, list: &[&str]) -> Outcome {
    for text in list {
        // `4/ADDRESS` or `6/ADDRESS`: the family of the socket.
        let (version, text) = text.split_once('/').expect("a family");
        let at = address(text);
        let socket = create_tcp_socket(if version == "4" {
            wasip2::sockets::network::IpAddressFamily::Ipv4
        } else {
            wasip2::sockets::network::IpAddressFamily::Ipv6
        })?;
        let mut answer = if what == "connect" {
            socket.start_connect(&network(), at)
        } else {
            socket.start_bind(&network(), at)
        };
        if answer.is_ok() {
            answer = loop {
                let finished =
                    if what == "connect" { socket.finish_connect().map(|_| ()) } else { socket.finish_bind() };
                match finished {
                    Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
                    other => break other,
                }
            };
        }
        say!("{what} {version}/{text}: {}", name(answer));
    }
    Ok(())
}

/// Sets each option, in range and out of it, and reads it again.
fn options(local: &str) -> Outcome {
    let local = address(local);
    let listener = create_tcp_socket(family(local))?;
    show("backlog 0", listener.set_listen_backlog_size(0));
    show("backlog max", listener.set_listen_backlog_size(u64::MAX));
    show("idle 0", listener.set_keep_alive_idle_time(0));
    show("idle 1 ns", listener.set_keep_alive_idle_time(1));
    say!("idle is {:?}", listener.keep_alive_idle_time());
    show("idle max", listener.set_keep_alive_idle_time(u64::MAX));
    show("interval 0", listener.set_keep_alive_interval(0));
    show("interval max", listener.set_keep_alive_interval(u64::MAX));
    show("count 0", listener.set_keep_alive_count(0));
    show("count max", listener.set_keep_alive_count(u32::MAX));
    say!("count is {:?}", listener.keep_alive_count());
    show("hop limit 0", listener.set_hop_limit(0));
    show("receive buffer 0", listener.set_receive_buffer_size(0));
    show("receive buffer 1", listener.set_receive_buffer_size(1));
    show("receive buffer max", listener.set_receive_buffer_size(u64::MAX));
    show("send buffer 0", listener.set_send_buffer_size(0));
    show("send buffer max", listener.set_send_buffer_size(u64::MAX));

    listener.set_keep_alive_enabled(true)?;
    listener.set_keep_alive_idle_time(42 * SECOND)?;
    listener.set_keep_alive_interval(43 * SECOND)?;
    listener.set_keep_alive_count(44)?;
    listener.set_hop_limit(45)?;
    listener.set_receive_buffer_size(0x10000)?;
    listener.set_send_buffer_size(0x10000)?;
    describe("set", &listener);
    listener.start_bind(&network(), local)?;
    listener.finish_bind()?;
    listener.start_listen()?;
    listener.finish_listen()?;
    let client = connect(listener.local_address()?)?;
    let server = accept(&listener)?;
    describe("inherited", &server.socket);
    listener.set_hop_limit(50)?;
    listener.set_keep_alive_enabled(false)?;
    describe("and kept", &server.socket);
    drop(client);
    let second = connect(listener.local_address()?)?;
    let server = accept(&listener)?;
    say!("hop limit of the next is {:?}", server.socket.hop_limit());
    drop(second);
    Ok(())
}

fn describe(what: &str, socket: &TcpSocket) {
    let all = || -> Outcome<String> {
        Ok(format!(
            "{} {} {} {} {} {} {}",
            socket.keep_alive_enabled()?,
            socket.keep_alive_idle_time()? / SECOND,
            socket.keep_alive_interval()? / SECOND,
            socket.keep_alive_count()?,
            socket.hop_limit()?,
            socket.receive_buffer_size()? >= 0x10000,
            socket.send_buffer_size()? >= 0x10000
        ))
    };
    match all() {
        Ok(text) => say!("{what}: {text}"),
        Err(error) => say!("{what}: {}", error.name()),
    }
}

/// Binds, listens, serves one connection, closes all of it and does it again on the same port.
fn reuse(local: &str) -> Outcome {
    let mut at = address(local);
    for turn in 0..3 {
        let listener = listen(at, None)?;
        at = listener.local_address()?;
        let client = connect(at)?;
        let server = accept(&listener)?;
        // The side that closes first is the one whose port stays behind.
        drop(server);
        drop(client);
        drop(listener);
        say!("turn {turn}");
    }
    Ok(())
}

/// What is in use is refused.
fn in_use(local: &str) -> Outcome {
    let first = listen(address(local), None)?;
    let at = first.local_address()?;
    show("the same again", listen(at, None));
    say!("{}", shown(at).contains("127.0.0.1"));
    Ok(())
}

pub fn run(command: &str, rest: &[&str]) -> Option<Outcome> {
    Some(match (command, rest) {
        ("states", [local]) => states(local),
        ("addresses", [what, list @ ..]) => addresses(what, list),
        ("options", [local]) => options(local),
        ("reuse", [local]) => reuse(local),
        ("in-use", [local]) => in_use(local),
        _ => return None,
    })
}
