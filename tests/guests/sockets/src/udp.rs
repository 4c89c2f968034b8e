//! UDP: servers, clients, and the rules of sending and receiving.

use crate::{Outcome, address, family, network, say, show, shown, within};
use wasip2::sockets::network::{ErrorCode, IpSocketAddress};
use wasip2::sockets::udp::{
    IncomingDatagram, IncomingDatagramStream, OutgoingDatagram, OutgoingDatagramStream, UdpSocket,
};
use wasip2::sockets::udp_create_socket::create_udp_socket;

pub fn bind(local: IpSocketAddress) -> Outcome<UdpSocket> {
    let socket = create_udp_socket(family(local))?;
    socket.start_bind(&network(), local)?;
    socket.finish_bind()?;
    Ok(socket)
}

fn datagram(data: &[u8], to: Option<IpSocketAddress>) -> OutgoingDatagram {
    OutgoingDatagram { data: data.to_vec(), remote_address: to }
}

fn send(stream: &OutgoingDatagramStream, one: OutgoingDatagram) -> Outcome {
    while stream.check_send()? == 0 {
        stream.subscribe().block();
    }
    match stream.send(&[one])? {
        1 => Ok(()),
        _ => Err(ErrorCode::WouldBlock),
    }
}

fn receive(stream: &IncomingDatagramStream, most: u64) -> Outcome<Vec<IncomingDatagram>> {
    loop {
        let datagrams = stream.receive(most)?;
        if !datagrams.is_empty() {
            return Ok(datagrams);
        }
        stream.subscribe().block();
    }
}

fn text(datagram: &IncomingDatagram) -> String {
    String::from_utf8_lossy(&datagram.data).into_owned()
}

fn announce(socket: &UdpSocket) -> Outcome {
    say!("bound to {}", shown(socket.local_address()?));
    Ok(())
}

/// Gives back COUNT datagrams to whoever sent them.
fn echo(local: &str, count: u64) -> Outcome {
    let socket = bind(address(local))?;
    announce(&socket)?;
    let (incoming, outgoing) = socket.stream(None)?;
    let mut seen = 0;
    while seen < count {
        for one in receive(&incoming, 16)? {
            seen += 1;
            send(&outgoing, datagram(&one.data, Some(one.remote_address)))?;
        }
    }
    say!("echoed {seen}");
    Ok(())
}

/// Sends TEXT to a peer that the socket is connected to, and prints the answer.
fn client(remote: &str, words: &str, local: &str) -> Outcome {
    let socket = bind(address(local))?;
    let (incoming, outgoing) = socket.stream(Some(address(remote)))?;
    say!("peer {}", shown(socket.remote_address()?));
    send(&outgoing, datagram(words.as_bytes(), None))?;
    for one in receive(&incoming, 1)? {
        say!("answer {} from {}", text(&one), shown(one.remote_address));
    }
    Ok(())
}

/// Sends TEXT to each of the peers, and says what came of it.
fn send_to(local: &str, words: &str, peers: &[&str]) -> Outcome {
    let socket = bind(address(local))?;
    announce(&socket)?;
    let (_incoming, outgoing) = socket.stream(None)?;
    for peer in peers {
        show(&format!("send to {peer}"), send(&outgoing, datagram(words.as_bytes(), Some(address(peer)))));
    }
    Ok(())
}

/// Prints what arrives within so many milliseconds of silence.
fn listen(local: &str, remote: Option<&str>, milliseconds: u64) -> Outcome {
    let socket = bind(address(local))?;
    announce(&socket)?;
    let (incoming, _outgoing) = socket.stream(remote.map(address))?;
    let readable = incoming.subscribe();
    while within(&readable, milliseconds) {
        for one in incoming.receive(4)? {
            say!("heard {} bytes: {:.20}", one.data.len(), text(&one));
        }
    }
    say!("silence");
    Ok(())
}

/// Hears two peers, then only the second, from what had already come.
fn reconnect(local: &str, count: u64) -> Outcome {
    let socket = bind(address(local))?;
    announce(&socket)?;
    let (incoming, outgoing) = socket.stream(None)?;
    let mut peers = vec![];
    while (peers.len() as u64) < count {
        for one in receive(&incoming, 1)? {
            say!("{} is there", text(&one));
            peers.push(one.remote_address);
        }
    }
    let last = *peers.last().expect("there was one");
    // All send again before the socket is connected.
    for &peer in &peers {
        send(&outgoing, datagram(b"go", Some(peer)))?;
    }
    crate::sleep(300);
    drop((incoming, outgoing));
    let (incoming, outgoing) = socket.stream(Some(last))?;
    for one in receive(&incoming, 100)? {
        say!("connected heard {}", text(&one));
    }
    show("send to another", send(&outgoing, datagram(b"x", Some(peers[0]))));
    show("send to the peer by name", send(&outgoing, datagram(b"bye", Some(last))));
    drop((incoming, outgoing));
    let before = shown(socket.local_address()?);
    let (incoming, outgoing) = socket.stream(None)?;
    show("remote-address", socket.remote_address());
    let after = shown(socket.local_address()?);
    say!("port kept {}", before.rsplit(':').next() == after.rsplit(':').next());
    for &peer in &peers {
        send(&outgoing, datagram(b"end", Some(peer)))?;
    }
    for _ in &peers {
        for one in receive(&incoming, 1)? {
            say!("free again, heard {}", text(&one));
        }
    }
    Ok(())
}

/// What each wrong call answers.
fn rules(local: &str, peer: &str) -> Outcome {
    let local = address(local);
    let peer = address(peer);
    let fresh = create_udp_socket(family(local))?;
    show("finish-bind", fresh.finish_bind());
    show("stream unbound", fresh.stream(None));
    show("local-address", fresh.local_address());
    show("remote-address", fresh.remote_address());
    show("hop limit 0", fresh.set_unicast_hop_limit(0));
    show("hop limit 9", fresh.set_unicast_hop_limit(9));
    say!("hop limit is {:?}", fresh.unicast_hop_limit());
    show("receive buffer 0", fresh.set_receive_buffer_size(0));
    show("receive buffer", fresh.set_receive_buffer_size(0x10000));
    say!("receive buffer is {:?}", fresh.receive_buffer_size());
    show("send buffer 0", fresh.set_send_buffer_size(0));
    show("send buffer max", fresh.set_send_buffer_size(u64::MAX));
    fresh.start_bind(&network(), local)?;
    show("start-bind twice", fresh.start_bind(&network(), local));
    show("stream while binding", fresh.stream(None));
    fresh.finish_bind()?;
    show("finish-bind twice", fresh.finish_bind());
    show("bind again", fresh.start_bind(&network(), local));
    show("same port", bind(fresh.local_address()?));

    let any = IpSocketAddress::Ipv4(wasip2::sockets::network::Ipv4SocketAddress { port: 80, address: (0, 0, 0, 0) });
    let six = address("[::1]:80");
    let none = address("127.0.0.1:0");
    show("stream to nowhere", fresh.stream(Some(any)));
    show("stream to port 0", fresh.stream(Some(none)));
    show("stream to another family", fresh.stream(Some(six)));

    let (incoming, outgoing) = fresh.stream(None)?;
    say!("receive 0: {:?}", incoming.receive(0).map(|list| list.len()));
    say!("receive none: {:?}", incoming.receive(5).map(|list| list.len()));
    say!("check-send at least 1: {}", outgoing.check_send()? >= 1);
    say!("send nothing: {:?}", outgoing.send(&[]));
    let try_send = |what: &str, one: OutgoingDatagram| {
        outgoing.check_send().expect("it works");
        match outgoing.send(&[one]) {
            Ok(count) => say!("{what}: {count}"),
            Err(error) => say!("{what}: {}", error.name()),
        }
    };
    try_send("send to nobody", datagram(b"x", None));
    try_send("send to nowhere", datagram(b"x", Some(any)));
    try_send("send to port 0", datagram(b"x", Some(none)));
    try_send("send to another family", datagram(b"x", Some(six)));
    try_send("send too much", datagram(&vec![0; 65_508], Some(peer)));
    try_send("send as much as goes", datagram(&vec![b'.'; 65_507], Some(peer)));
    try_send("send nothing at all", datagram(b"", Some(peer)));
    outgoing.check_send()?;
    say!(
        "a good one, then a bad one: {:?}",
        outgoing.send(&[datagram(b"good", Some(peer)), datagram(b"bad", Some(none))])
    );
    let (newer, _other) = fresh.stream(None)?;
    say!("old pair: {:?} {:?}", incoming.receive(1).map(|l| l.len()), outgoing.check_send());
    say!("new pair: {:?}", newer.receive(1).map(|l| l.len()));
    Ok(())
}

/// Sends more than was permitted, which is a trap.
fn send_too_many(peer: &str) -> Outcome {
    let peer = address(peer);
    let socket = bind(address("127.0.0.1:0"))?;
    let (_incoming, outgoing) = socket.stream(Some(peer))?;
    let permitted = outgoing.check_send()?;
    say!("permitted {permitted}");
    let many: Vec<OutgoingDatagram> = (0..=permitted).map(|_| datagram(b"x", None)).collect();
    say!("sent {:?}", outgoing.send(&many));
    Ok(())
}

/// Sends to a port where nobody is, and waits for the bad news.
fn to_closed(peer: &str) -> Outcome {
    let peer = address(peer);
    let socket = bind(address(if matches!(peer, IpSocketAddress::Ipv4(_)) { "127.0.0.1:0" } else { "[::1]:0" }))?;
    let (incoming, outgoing) = socket.stream(Some(peer))?;
    send(&outgoing, datagram(b"hello", None))?;
    if !within(&incoming.subscribe(), 5000) {
        say!("no news");
        return Ok(());
    }
    show("receive", incoming.receive(1));
    show("receive again", incoming.receive(1));
    Ok(())
}

/// Drops a socket before its streams.
fn drop_parent() -> Outcome {
    let socket = bind(address("127.0.0.1:0"))?;
    let streams = socket.stream(None)?;
    say!("dropping the socket");
    drop(socket);
    say!("dropped");
    drop(streams);
    Ok(())
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

pub fn run(command: &str, rest: &[&str]) -> Option<Outcome> {
    Some(match (command, rest) {
        ("udp-echo", [local, count]) => echo(local, number(count)),
        ("udp-client", [remote, words, local]) => client(remote, words, local),
        ("udp-send-to", [local, words, peers @ ..]) => send_to(local, words, peers),
        ("udp-listen", [local, milliseconds]) => listen(local, None, number(milliseconds)),
        ("udp-listen", [local, milliseconds, remote]) => listen(local, Some(remote), number(milliseconds)),
        ("udp-reconnect", [local, count]) => reconnect(local, number(count)),
        ("udp-rules", [local, peer]) => rules(local, peer),
        ("udp-send-too-many", [peer]) => send_too_many(peer),
        ("udp-to-closed", [peer]) => to_closed(peer),
        ("udp-drop-parent", []) => drop_parent(),
        _ => return None,
    })
}
