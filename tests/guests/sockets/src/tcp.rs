//! TCP: servers, clients, and many connections at once.

use crate::{Outcome, address, family, network, say, show, shown, sleep, stream_error, within};
use wasip2::clocks::monotonic_clock;
use wasip2::io::poll::{self, Pollable};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::network::{ErrorCode, IpSocketAddress};
use wasip2::sockets::tcp::{ShutdownType, TcpSocket};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

/// The streams go before their socket.
pub struct Connection {
    pub input: InputStream,
    pub output: OutputStream,
    pub socket: TcpSocket,
}

pub fn listen(local: IpSocketAddress, backlog: Option<u64>) -> Outcome<TcpSocket> {
    let socket = create_tcp_socket(family(local))?;
    socket.start_bind(&network(), local)?;
    socket.finish_bind()?;
    if let Some(backlog) = backlog {
        socket.set_listen_backlog_size(backlog)?;
    }
    socket.start_listen()?;
    socket.finish_listen()?;
    Ok(socket)
}

pub fn accept(listener: &TcpSocket) -> Outcome<Connection> {
    loop {
        match listener.accept() {
            Ok((socket, input, output)) => return Ok(Connection { input, output, socket }),
            Err(ErrorCode::WouldBlock) => listener.subscribe().block(),
            Err(error) => return Err(error),
        }
    }
}

pub fn connect(remote: IpSocketAddress) -> Outcome<Connection> {
    let socket = create_tcp_socket(family(remote))?;
    socket.start_connect(&network(), remote)?;
    loop {
        match socket.finish_connect() {
            Ok((input, output)) => return Ok(Connection { input, output, socket }),
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            Err(error) => return Err(error),
        }
    }
}

pub fn write_all(output: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = output.check_write()? as usize;
        if room == 0 {
            output.subscribe().block();
            continue;
        }
        let (part, rest) = bytes.split_at(room.min(bytes.len()));
        output.write(part)?;
        bytes = rest;
    }
    output.blocking_flush()
}

pub fn read_to_end(input: &InputStream) -> Result<Vec<u8>, StreamError> {
    let mut all = vec![];
    loop {
        match input.blocking_read(64 * 1024) {
            Ok(part) => all.extend(part),
            Err(StreamError::Closed) => return Ok(all),
            Err(error) => return Err(error),
        }
    }
}

/// Gives back what comes, until its end; how many bytes that were.
fn echo(connection: &Connection) -> Result<u64, StreamError> {
    let mut count = 0;
    loop {
        let part = match connection.input.blocking_read(64 * 1024) {
            Ok(part) => part,
            Err(StreamError::Closed) => return Ok(count),
            Err(error) => return Err(error),
        };
        count += part.len() as u64;
        write_all(&connection.output, &part)?;
    }
}

fn announce(listener: &TcpSocket) -> Outcome {
    say!("listening on {}", shown(listener.local_address()?));
    Ok(())
}

fn number(text: Option<&&str>, default: u64) -> u64 {
    text.map_or(default, |text| text.parse().expect("a number"))
}

/// Echoes CONNECTIONS connections, one after the other.
fn echo_server(local: &str, connections: u64) -> Outcome {
    let listener = listen(address(local), None)?;
    announce(&listener)?;
    for _ in 0..connections {
        let connection = accept(&listener)?;
        match echo(&connection) {
            Ok(count) => say!("echoed {count}"),
            Err(error) => say!("echo {}", stream_error(&error)),
        }
    }
    Ok(())
}

/// Echoes any number of connections at once, until COUNT of them have ended.
fn echo_many(local: &str, count: u64) -> Outcome {
    let listener = listen(address(local), Some(4096))?;
    announce(&listener)?;
    let mut ended = 0;
    let mut bytes = 0u64;
    let mut most = 0;
    let mut open: Vec<(Pollable, Connection)> = vec![];
    let incoming = listener.subscribe();
    while ended < count {
        let pollables: Vec<&Pollable> = std::iter::once(&incoming).chain(open.iter().map(|(p, _)| p)).collect();
        let ready = poll::poll(&pollables);
        // Downwards, so that what is removed moves none that is still to be looked at.
        for &index in ready.iter().rev() {
            if index == 0 {
                loop {
                    match listener.accept() {
                        Ok((socket, input, output)) => {
                            open.push((input.subscribe(), Connection { input, output, socket }));
                        }
                        Err(ErrorCode::WouldBlock) => break,
                        Err(error) => return Err(error),
                    }
                }
                most = most.max(open.len());
                continue;
            }
            let connection = &open[index as usize - 1].1;
            match connection.input.read(64 * 1024) {
                Ok(part) => {
                    bytes += part.len() as u64;
                    write_all(&connection.output, &part).map_err(|_| ErrorCode::ConnectionAborted)?;
                }
                Err(_) => {
                    open.swap_remove(index as usize - 1);
                    ended += 1;
                }
            }
        }
    }
    say!("echoed {bytes} bytes of {ended} connections, {most} at once");
    Ok(())
}

/// Sends TEXT and prints what comes back until the end.
fn client(remote: &str, text: &str) -> Outcome {
    let connection = connect(address(remote))?;
    say!("connected from {} to {}", shown(connection.socket.local_address()?), shown(connection.socket.remote_address()?));
    write_all(&connection.output, text.as_bytes()).map_err(|_| ErrorCode::ConnectionAborted)?;
    connection.socket.shutdown(ShutdownType::Send)?;
    match read_to_end(&connection.input) {
        Ok(answer) => say!("answer {}", String::from_utf8_lossy(&answer)),
        Err(error) => say!("read {}", stream_error(&error)),
    }
    Ok(())
}

/// Opens COUNT connections at once, sends a line on each and waits for all the answers.
fn clients(remote: &str, count: u64) -> Outcome {
    let remote = address(remote);
    let mut waiting = vec![];
    for _ in 0..count {
        let socket = create_tcp_socket(family(remote))?;
        socket.start_connect(&network(), remote)?;
        waiting.push(socket);
    }
    let mut open = vec![];
    while !waiting.is_empty() {
        let pollables: Vec<Pollable> = waiting.iter().map(TcpSocket::subscribe).collect();
        let ready = poll::poll(&pollables.iter().collect::<Vec<_>>());
        drop(pollables);
        for &index in ready.iter().rev() {
            let socket = waiting.swap_remove(index as usize);
            let (input, output) = socket.finish_connect()?;
            open.push(Connection { input, output, socket });
        }
    }
    say!("connected {}", open.len());
    for (place, connection) in open.iter().enumerate() {
        write_all(&connection.output, format!("line {place}\n").as_bytes()).map_err(|_| ErrorCode::ConnectionAborted)?;
        connection.socket.shutdown(ShutdownType::Send)?;
    }
    let mut right = 0;
    for (place, connection) in open.iter().enumerate() {
        if read_to_end(&connection.input).is_ok_and(|bytes| bytes == format!("line {place}\n").into_bytes()) {
            right += 1;
        }
    }
    say!("answered {right}");
    Ok(())
}

fn pattern(from: u64, length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| ((from + i) * 31 % 251) as u8).collect()
}

/// Sends COUNT bytes, then reads to the end and checks that they came back.
fn upload(remote: &str, count: u64) -> Outcome {
    let connection = connect(address(remote))?;
    let (mut sent, mut received, mut wrong) = (0u64, 0u64, 0u64);
    let (readable, writable) = (connection.input.subscribe(), connection.output.subscribe());
    let mut ended = false;
    while !ended {
        let pollables = if sent < count { vec![&readable, &writable] } else { vec![&readable] };
        for index in poll::poll(&pollables) {
            if index == 0 {
                match connection.input.read(1024 * 1024) {
                    Ok(part) => {
                        wrong += u64::from(part != pattern(received, part.len()));
                        received += part.len() as u64;
                    }
                    Err(StreamError::Closed) => ended = true,
                    Err(_) => return Err(ErrorCode::ConnectionReset),
                }
            } else {
                let room = connection.output.check_write().map_err(|_| ErrorCode::ConnectionReset)?;
                let part = pattern(sent, room.min(count - sent) as usize);
                connection.output.write(&part).map_err(|_| ErrorCode::ConnectionReset)?;
                sent += part.len() as u64;
                if sent == count {
                    connection.socket.shutdown(ShutdownType::Send)?;
                }
            }
        }
    }
    say!("sent {sent}, received {received}, wrong {wrong}");
    Ok(())
}

/// Reads nothing for a while, then everything.
fn slow_reader(remote: &str, milliseconds: u64) -> Outcome {
    let connection = connect(address(remote))?;
    sleep(milliseconds);
    match read_to_end(&connection.input) {
        Ok(bytes) => say!("read {} right {}", bytes.len(), bytes == pattern(0, bytes.len())),
        Err(error) => say!("read {}", stream_error(&error)),
    }
    Ok(())
}

/// Writes COUNT bytes as fast as they are taken and leaves at once, without waiting for anything.
fn write_and_leave(remote: &str, count: u64) -> Outcome {
    let connection = connect(address(remote))?;
    let mut sent = 0;
    while sent < count {
        let room = connection.output.check_write().map_err(|_| ErrorCode::ConnectionReset)?;
        if room == 0 {
            connection.output.subscribe().block();
            continue;
        }
        let part = pattern(sent, room.min(count - sent) as usize);
        connection.output.write(&part).map_err(|_| ErrorCode::ConnectionReset)?;
        sent += part.len() as u64;
    }
    say!("wrote {sent}");
    Ok(())
}

/// Writes until the peer takes no more, and says how much that was.
fn fill(remote: &str) -> Outcome {
    let connection = connect(address(remote))?;
    let mut sent = 0u64;
    let writable = connection.output.subscribe();
    while within(&writable, 300) {
        let room = connection.output.check_write().map_err(|_| ErrorCode::ConnectionReset)?;
        connection.output.write(&vec![0; room as usize]).map_err(|_| ErrorCode::ConnectionReset)?;
        sent += room;
    }
    say!("full after {sent}");
    Ok(())
}

/// Waits for a peer that never says anything, for so long.
fn never_answers(remote: &str, milliseconds: u64) -> Outcome {
    let connection = connect(address(remote))?;
    let began = monotonic_clock::now();
    let answered = within(&connection.input.subscribe(), milliseconds);
    say!("answered {answered} after {} ms", (monotonic_clock::now() - began) / crate::MILLISECOND);
    Ok(())
}

/// Waits without end: WHAT is connect, accept, read or write.
fn wait_for_ever(what: &str, at: &str) -> Outcome {
    match what {
        "accept" => {
            let listener = listen(address(at), None)?;
            announce(&listener)?;
            accept(&listener)?;
        }
        "connect" => {
            say!("connecting");
            connect(address(at))?;
        }
        "read" => {
            let connection = connect(address(at))?;
            say!("reading");
            let _ = connection.input.blocking_read(1);
        }
        "write" => {
            let connection = connect(address(at))?;
            say!("writing");
            while write_all(&connection.output, &[0; 64 * 1024]).is_ok() {}
        }
        _ => return Err(ErrorCode::InvalidArgument),
    }
    say!("it ended");
    Ok(())
}

/// What reading and writing answer when the peer has reset the connection.
fn meet_reset(remote: &str) -> Outcome {
    let connection = connect(address(remote))?;
    say!("connected");
    connection.input.subscribe().block();
    for what in ["first", "second"] {
        match connection.input.read(10) {
            Ok(bytes) => say!("{what} read: {} bytes", bytes.len()),
            Err(error) => say!("{what} read: {}", stream_error(&error)),
        }
    }
    sleep(50);
    for what in ["first", "second"] {
        match connection.output.blocking_write_and_flush(b"late") {
            Ok(()) => say!("{what} write: ok"),
            Err(error) => say!("{what} write: {}", stream_error(&error)),
        }
    }
    Ok(())
}

/// Shuts down one direction after the other, and says what each then answers.
fn half_close(remote: &str) -> Outcome {
    let connection = connect(address(remote))?;
    write_all(&connection.output, b"question").map_err(|_| ErrorCode::ConnectionReset)?;
    show("shutdown send", connection.socket.shutdown(ShutdownType::Send));
    show("again", connection.socket.shutdown(ShutdownType::Send));
    say!("check-write: {:?}", connection.output.check_write().map_err(|e| stream_error(&e)));
    say!("write: {:?}", connection.output.write(b"x").map_err(|e| stream_error(&e)));
    say!("flush: {:?}", connection.output.flush().map_err(|e| stream_error(&e)));
    let first = connection.input.blocking_read(4).map_err(|e| stream_error(&e));
    say!("read: {:?}", first.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
    show("shutdown receive", connection.socket.shutdown(ShutdownType::Receive));
    say!("read: {:?}", connection.input.read(10).map_err(|e| stream_error(&e)));
    say!("read 0: {:?}", connection.input.read(0).map_err(|e| stream_error(&e)));
    show("shutdown both", connection.socket.shutdown(ShutdownType::Both));
    Ok(())
}

/// Reads on after the end, in every way.
fn read_after_end(remote: &str) -> Outcome {
    let connection = connect(address(remote))?;
    let bytes = read_to_end(&connection.input).map_err(|_| ErrorCode::ConnectionReset)?;
    say!("read {}", bytes.len());
    connection.input.subscribe().block();
    say!("read: {:?}", connection.input.read(10).map_err(|e| stream_error(&e)));
    say!("read 0: {:?}", connection.input.read(0).map_err(|e| stream_error(&e)));
    say!("blocking-read: {:?}", connection.input.blocking_read(10).map_err(|e| stream_error(&e)));
    say!("skip: {:?}", connection.input.skip(10).map_err(|e| stream_error(&e)));
    Ok(())
}

/// Drops a socket before its streams, which it may not.
fn drop_parent(remote: &str) -> Outcome {
    let Connection { input, output, socket } = connect(address(remote))?;
    say!("dropping the socket");
    drop(socket);
    say!("dropped");
    drop((input, output));
    Ok(())
}

/// Copies all that it reads from one connection to another with splice.
fn splice(from: &str, to: &str) -> Outcome {
    let (source, sink) = (connect(address(from))?, connect(address(to))?);
    let mut count = 0;
    while let Ok(part) = sink.output.blocking_splice(&source.input, 1024 * 1024) {
        count += part;
    }
    sink.output.blocking_flush().map_err(|_| ErrorCode::ConnectionReset)?;
    say!("spliced {count}");
    Ok(())
}

/// Makes as many sockets as it may, and says how many and what stopped it.
fn exhaust() -> Outcome {
    let mut sockets = vec![];
    loop {
        match create_tcp_socket(wasip2::sockets::network::IpAddressFamily::Ipv4) {
            Ok(socket) => sockets.push(socket),
            Err(error) => {
                say!("{} sockets, then {}", sockets.len(), error.name());
                break;
            }
        }
    }
    sockets.pop();
    show("after one is dropped", create_tcp_socket(wasip2::sockets::network::IpAddressFamily::Ipv4));
    Ok(())
}

/// Accepts while a timer of no length is always ready, so that it never waits.
fn busy_poll(local: &str) -> Outcome {
    let listener = listen(address(local), None)?;
    let at = listener.local_address()?;
    for _ in 0..100 {
        let client = connect(at)?;
        client.output.blocking_write_and_flush(b"hello").map_err(|_| ErrorCode::ConnectionReset)?;
        let server = accept(&listener)?;
        let readable = server.input.subscribe();
        let mut turns = 0;
        loop {
            let zero = monotonic_clock::subscribe_duration(0);
            if poll::poll(&[&zero, &readable]).contains(&1) {
                break;
            }
            turns += 1;
            assert!(turns < 1_000_000, "the socket is never ready");
        }
        assert_eq!(server.input.read(5).expect("it is ready"), b"hello");
    }
    say!("never starved");
    Ok(())
}

pub fn run(command: &str, rest: &[&str]) -> Option<Outcome> {
    Some(match (command, rest) {
        ("tcp-echo-server", [local, more @ ..]) => echo_server(local, number(more.first(), 1)),
        ("tcp-echo-many", [local, count]) => echo_many(local, number(Some(count), 0)),
        ("tcp-client", [remote, text]) => client(remote, text),
        ("tcp-clients", [remote, count]) => clients(remote, number(Some(count), 0)),
        ("tcp-upload", [remote, count]) => upload(remote, number(Some(count), 0)),
        ("tcp-slow-reader", [remote, milliseconds]) => slow_reader(remote, number(Some(milliseconds), 0)),
        ("tcp-write-and-leave", [remote, count]) => write_and_leave(remote, number(Some(count), 0)),
        ("tcp-fill", [remote]) => fill(remote),
        ("tcp-never-answers", [remote, milliseconds]) => never_answers(remote, number(Some(milliseconds), 0)),
        ("tcp-wait", [what, at]) => wait_for_ever(what, at),
        ("tcp-reset", [remote]) => meet_reset(remote),
        ("tcp-half-close", [remote]) => half_close(remote),
        ("tcp-read-after-end", [remote]) => read_after_end(remote),
        ("tcp-drop-parent", [remote]) => drop_parent(remote),
        ("tcp-splice", [from, to]) => splice(from, to),
        ("tcp-exhaust", []) => exhaust(),
        ("tcp-busy-poll", [local]) => busy_poll(local),
        ("sleep", [milliseconds]) => {
            sleep(number(Some(milliseconds), 0));
            Ok(())
        }
        _ => return None,
    })
}
