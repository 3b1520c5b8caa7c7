//! The proof that nothing is under way: whenever the kernel's queues say so, what was sent has come.

use std::net::SocketAddrV4;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::thread;

use nix::sys::socket::{SockaddrIn, getpeername, getsockname};
use pipewright_model::call::{Answer, End, Errno, Mode, Op, SendFlags, SocketOption};
use pipewright_model::kind::{Hold, Side};
use pipewright_model::run::{Name, Seat};

use super::Tcp;
use super::diag::Diag;
use crate::channel::{Channel, Port, Queues};

/// Connections that each of the threads makes, which disturb each other.
const CONNECTIONS: usize = 10_000;

/// The same of those made by calls: fewer, as kernels before 6.3 go through their whole table for each.
const CONNECTIONS_BY_NAME: usize = 2_000;

/// How many of them are filled, in each of the threads.
const CONNECTIONS_FILLED: usize = 30;

/// How often the queues are asked at most about one connection.
const LOOKS_MAX: usize = 1_000_000;

const END: End = End(0);
const LISTENER: End = End(1);
const RECEIVE: Op = Op::Receive { len: 2, flags: SendFlags::DONTWAIT };

/// The ports of two actors who are connected to each other, and what is under way between them.
type Connection = ([Box<dyn Port>; 2], Queues);

#[test]
fn what_was_sent_has_come_when_the_queues_say_that_nothing_is_under_way() {
    all_has_come(CONNECTIONS, connected);
}

#[test]
fn the_same_of_sockets_that_are_found_by_their_address() {
    all_has_come(CONNECTIONS_BY_NAME, connected_by_name);
}

#[test]
fn what_does_not_fit_has_come_when_all_is_read() {
    if let Some(reason) = Tcp::VETH.unavailable() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "in CI this is not skipped: {reason}"
        );
        eprintln!("skipped: {reason}");
        return;
    }
    let threads = ["first", "second"].map(|name| thread::spawn(move || fill_and_read_many(name)));
    threads.into_iter().for_each(|thread| thread.join().expect("a thread that panics"));
}

/// Not over the loopback interface: there nobody tells of most room, and each try for it takes a while.
fn fill_and_read_many(name: &str) {
    for number in 0..CONNECTIONS_FILLED {
        let place = PathBuf::from(format!("{}-filled-{name}-{number}", std::process::id()));
        let (ports, mut queues) = connected_over(&Tcp::VETH, &place);
        let [sent, received] = fill_and_read(ports, &mut queues, 1_000 + 2_000 * number);
        assert_eq!(received, sent, "connection {number} of the {name}");
    }
}

/// Sends until nothing fits any more, and reads until there is nothing to read; how many bytes were sent, and how many
/// came by reads of `len` bytes, each at rest.
fn fill_and_read(
    [mut ann, mut ben]: [Box<dyn Port>; 2],
    queues: &mut Queues,
    len: usize,
) -> [u64; 2] {
    let flags = SendFlags::DONTWAIT;
    let send = Op::Send { len: 65_536, flags };
    let mut bytes = vec![7; 65_536.max(len)];
    let mut sent = 0;
    while let Answer::Count(count) = ann.call(END, send, &mut bytes[..65_536]).answer {
        sent += u64::from(count);
    }
    let receive = Op::Receive { len: len as u32, flags };
    let mut received = 0;
    loop {
        comes_to_rest(queues, false);
        match ben.call(END, receive, &mut bytes[..len]).answer {
            Answer::Count(count) => received += u64::from(count),
            Answer::Fails(Errno::EAGAIN) => return [sent, received],
            answer => panic!("{answer:?}"),
        }
    }
}

fn all_has_come(connections: usize, connected: fn(&Path) -> Connection) {
    let threads = ["first", "second"]
        .map(|name| thread::spawn(move || send_and_look(name, connections, connected)));
    let [first, second] = threads.map(|thread| thread.join().expect("a thread that panics"));
    eprintln!("{} of {} times something was under way", first + second, 2 * connections);
}

/// Makes connections, and says in how many of them something was seen under way.
fn send_and_look(name: &str, connections: usize, connected: fn(&Path) -> Connection) -> usize {
    let mut delayed = 0;
    for number in 0..connections {
        // Of this test alone: its addresses are made of it.
        let place = PathBuf::from(format!("{}-{connections}-{name}-{number}", std::process::id()));
        let ([mut ann, mut ben], mut queues) = connected(&place);
        let expected = sends(number, ann.as_mut());
        delayed += usize::from(!comes_to_rest(&mut queues, false));
        let got = ben.call(END, RECEIVE, &mut [0; 2]).answer;
        if got != expected {
            // Whether it was late, or never came.
            let later = (queues(false), ben.call(END, RECEIVE, &mut [0; 2]).answer);
            panic!("connection {number} of the {name}: {got:?}, not {expected:?}; then {later:?}");
        }
    }
    delayed
}

/// A connection that is there from the start.
fn connected(place: &Path) -> Connection {
    connected_over(&Tcp::LOOPBACK, place)
}

fn connected_over(channel: &Tcp, place: &Path) -> Connection {
    let end = |side| vec![(END, Hold { mode: Mode::ReadWrite, side })];
    let ports = ports(channel, place, [end(Side::A), end(Side::B)]);
    (ports, channel.queues(place, false).unwrap().expect("queues"))
}

/// One that is made by calls.
fn connected_by_name(place: &Path) -> Connection {
    let mut queues = Tcp::LOOPBACK.queues(place, true).unwrap().expect("queues");
    let [mut ann, mut ben] = ports(&Tcp::LOOPBACK, place, [vec![], vec![]]);
    let done = |port: &mut Box<dyn Port>, end, op| {
        assert_eq!(port.call(end, op, &mut []).answer, Answer::Done, "{op:?}");
    };
    let socket = Op::Socket { nonblock: false };
    done(&mut ben, LISTENER, socket);
    done(&mut ben, LISTENER, Op::Bind);
    done(&mut ben, LISTENER, Op::Listen { backlog: 1 });
    done(&mut ann, END, socket);
    done(&mut ann, END, Op::Connect);
    comes_to_rest(&mut queues, true);
    done(&mut ben, LISTENER, Op::Accept { new: END, nonblock: false });
    ([ann, ben], queues)
}

fn ports(channel: &Tcp, place: &Path, ends: [Vec<(End, Hold)>; 2]) -> [Box<dyn Port>; 2] {
    let [ann, ben] = ends;
    let seats = [("ann", ann), ("ben", ben)];
    let seats = seats.map(|(name, ends)| Seat::new(Name::new(name).unwrap(), ends));
    let ports = channel.create(place, &seats).unwrap().ports;
    ports.try_into().map_err(|_| "two ports").unwrap()
}

/// Sends data, the end of data or a reset; what the peer must get.
fn sends(number: usize, ann: &mut dyn Port) -> Answer {
    let (here, there) = addresses(ann);
    let mut done = |op: Op, bytes: &mut [u8]| {
        let answer = ann.call(END, op, bytes).answer;
        if op == Op::Close {
            wait_until_closed(here, there);
        }
        answer
    };
    match number % 5 {
        0 => {
            assert_eq!(done(Op::Write { len: 1 }, &mut [7]), Answer::Count(1));
            Answer::Count(1)
        }
        1 => {
            assert_eq!(done(Op::Write { len: 1 }, &mut [7]), Answer::Count(1));
            assert_eq!(done(Op::Close, &mut []), Answer::Done);
            Answer::Count(1)
        }
        2 => {
            assert_eq!(done(Op::Shutdown { how: Mode::Write }, &mut []), Answer::Done);
            Answer::Count(0)
        }
        3 => {
            assert_eq!(done(Op::Close, &mut []), Answer::Done);
            Answer::Count(0)
        }
        _ => {
            let linger = Op::SetOption { option: SocketOption::Linger, value: 0 };
            assert_eq!(done(linger, &mut []), Answer::Done);
            assert_eq!(done(Op::Close, &mut []), Answer::Done);
            Answer::Fails(Errno::ECONNRESET)
        }
    }
}

/// Of its end, and of its peer's.
fn addresses(port: &dyn Port) -> (SocketAddrV4, SocketAddrV4) {
    let descriptors = port.descriptors();
    let end = descriptors[0].1.as_raw_fd();
    let here: SockaddrIn = getsockname(end).unwrap();
    (here.into(), getpeername::<SockaddrIn>(end).unwrap().into())
}

/// Waits until the kernel has carried out a close. It need not have when the call returns: a process that looks at
/// our descriptors in /proc just then holds the socket for as long as it looks.
fn wait_until_closed(here: SocketAddrV4, there: SocketAddrV4) {
    let mut diag = Diag::new().unwrap();
    let looks = (0..LOOKS_MAX).find(|_| !diag.is_open(here, there).unwrap());
    assert!(looks.is_some(), "closed, and open still");
}

/// Asks the queues until nothing is under way; says whether the first answer was that.
fn comes_to_rest(queues: &mut Queues, connecting: bool) -> bool {
    let looks = (0..LOOKS_MAX).find(|_| queues(connecting).unwrap());
    looks.expect("nothing comes to rest") == 0
}
