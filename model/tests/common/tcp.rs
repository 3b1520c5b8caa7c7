//! Small spaces of TCP connections: two bytes that are surely taken and carried each way.

use pipewright_model::call::{End, Events, Mode, Op, SendFlags, SocketOption};
use pipewright_model::explore::Space;
use pipewright_model::kind::{Hold, Side, TCP};
use pipewright_model::run::{Name, Seat, Setup};

use super::{Add, Pinned, pinned, poll, read, write};

const SA: End = End(0);
const SB: End = End(1);
const X: End = End(2);
const Y: End = End(3);

const READ: Op = Op::Shutdown { how: Mode::Read };
const WRITE: Op = Op::Shutdown { how: Mode::Write };
const BOTH: Op = Op::Shutdown { how: Mode::ReadWrite };
const RESETS: Op = Op::SetOption { option: SocketOption::Linger, value: 0 };
const ERROR: Op = Op::GetOption { option: SocketOption::Error };
const ALL: Events = Events(Events::IN.0 | Events::OUT.0 | Events::RDHUP.0);

fn receive(len: u32, flags: SendFlags) -> Op {
    Op::Receive { len, flags }
}

fn send(len: u32, flags: SendFlags) -> Op {
    Op::Send { len, flags }
}

/// A connection, `a0` holding the first end and `a1` the second.
fn pair() -> Space {
    let seat = |index: u8, side| {
        Seat::new(
            Name::new(["a0", "a1"][usize::from(index)]).unwrap(),
            vec![(End(index), Hold { mode: Mode::ReadWrite, side })],
        )
    };
    Space {
        setup: Setup::new(&TCP),
        seats: vec![seat(0, Side::A), seat(1, Side::B)],
        end_names: ["sa", "sb", "sa2", "s4"].map(|name| Name::new(name).unwrap()).to_vec(),
        alphabet: Vec::new(),
        fill_bytes: 1,
        lasting_bytes: None,
    }
}

/// Data one way, and how they end.
fn ending() -> Space {
    Space { fill_bytes: 1, ..pair() }.calls_of(0, SA, &[write(1), WRITE, Op::Close]).calls_of(
        1,
        SB,
        &[read(1), BOTH, Op::Close],
    )
}

/// Who looks what has come.
fn polling() -> Space {
    pair().calls_of(0, SA, &[WRITE, Op::Close]).calls_of(
        1,
        SB,
        &[WRITE, Op::Close, poll(ALL, false)],
    )
}

/// Resets, and who is told.
fn resets() -> Space {
    pair()
        .calls_of(0, SA, &[write(0), read(1), read(0), ERROR, receive(0, SendFlags::NONE)])
        .calls_of(0, SA, &[send(1, SendFlags::NOSIGNAL), poll(Events::NONE, true)])
        .calls_of(1, SB, &[RESETS, Op::Close])
}

/// More than there is surely room for.
fn much() -> Space {
    Space { fill_bytes: 2, ..pair() }
        .calls_of(0, SA, &[write(2), send(2, SendFlags::DONTWAIT), poll(Events::OUT, false)])
        .calls_of(1, SB, &[read(2)])
}

/// Flags.
fn flags() -> Space {
    pair()
        .calls_of(0, SA, &[write(1), Op::Close])
        .calls_of(1, SB, &[receive(2, SendFlags::PEEK), receive(2, SendFlags::WAITALL)])
        .calls_of(1, SB, &[receive(2, SendFlags::PEEK.union(SendFlags::WAITALL))])
        .calls_of(1, SB, &[READ, poll(Events::IN, false)])
        .calls_of(1, SB, &[receive(1, SendFlags::DONTWAIT)])
}

/// Reads that wait for a time only.
fn time_outs() -> Space {
    let set = |option, value| Op::SetOption { option, value };
    let (seconds, microseconds) = (SocketOption::ReceiveTimeoutS, SocketOption::ReceiveTimeoutUs);
    pair()
        .calls_of(0, SA, &[write(1)])
        .calls_of(1, SB, &[set(microseconds, 5), set(seconds, -1)])
        .calls_of(1, SB, &[read(1), receive(2, SendFlags::WAITALL), receive(0, SendFlags::NONE)])
        .calls_of(1, SB, &[receive(2, SendFlags::PEEK.union(SendFlags::WAITALL))])
}

/// Two who share a socket, one of whom waits.
fn shared() -> Space {
    let mut space = Space { fill_bytes: 2, ..pair() };
    let mut third = space.seats[1].clone();
    third.name = Name::new("a2").unwrap();
    space.seats.push(third);
    space
        .calls_of(0, SA, &[write(1)])
        .calls_of(1, SB, &[receive(2, SendFlags::PEEK.union(SendFlags::WAITALL))])
        .calls_of(1, SB, &[receive(0, SendFlags::NONE)])
        .calls_of(2, SB, &[read(1), write(3)])
}

/// A long write whose reader goes. Its pairs are too many to be compared.
fn cut_short() -> Space {
    Space { fill_bytes: 3, ..pair() }.calls_of(0, SA, &[write(3)]).calls_of(1, SB, &[Op::Close])
}

/// Oddities of descriptors.
fn oddities() -> Space {
    let options = [SocketOption::SendBuffer, SocketOption::Error]
        .map(|option| Op::SetOption { option, value: 0 });
    pair()
        .calls_of(0, SA, &[Op::Close, Op::Dup { new: X }, Op::POSITION, Op::GetCapacity])
        .calls_of(0, SA, &options)
        .calls_of(0, X, &[Op::Close])
        .calls_of(1, SB, &[read(1), Op::Available])
}

/// Two actors that begin with nothing.
fn fresh() -> Space {
    let seat = |name| Seat::new(Name::new(name).unwrap(), Vec::new());
    Space { seats: vec![seat("a0"), seat("a1")], fill_bytes: 1, ..pair() }
}

const SOCKET: Op = Op::Socket { nonblock: false };
const SOCKET_NB: Op = Op::Socket { nonblock: true };
const LISTEN: Op = Op::Listen { backlog: 0 };
const ACCEPT: Op = Op::Accept { new: SB, nonblock: false };

/// One listens, one connects, both waiting.
fn meeting() -> Space {
    fresh().calls_of(0, SA, &[SOCKET, Op::Bind, LISTEN, ACCEPT, Op::Close]).calls_of(
        1,
        SA,
        &[SOCKET, Op::Connect],
    )
}

/// The same, neither waiting.
fn meeting_nonblocking() -> Space {
    fresh().calls_of(0, SA, &[SOCKET_NB, Op::Bind, LISTEN, ACCEPT, READ, WRITE]).calls_of(
        0,
        X,
        &[SOCKET_NB, Op::Connect, ERROR, BOTH, Op::Bind],
    )
}

/// More connections than may wait, all of one actor.
fn backlog() -> Space {
    let accept = Op::Accept { new: Y, nonblock: true };
    fresh()
        .calls_of(0, SA, &[SOCKET_NB, Op::Bind, LISTEN, accept])
        .calls_of(0, SA, &[poll(Events::IN, false), Op::Available])
        .calls_of(0, SB, &[SOCKET_NB, Op::Connect])
        .calls_of(0, X, &[SOCKET_NB, Op::Connect])
}

/// Calls on a socket that asks for a connection in vain.
fn asking() -> Space {
    fresh()
        .calls_of(0, SA, &[SOCKET_NB, Op::Bind, LISTEN])
        .calls_of(0, SB, &[SOCKET_NB, Op::Connect])
        .calls_of(0, X, &[SOCKET_NB, Op::Connect, Op::SetNonblock(false), write(1), BOTH])
}

/// A socket that meets itself.
fn itself() -> Space {
    fresh().calls_of(
        0,
        SA,
        &[SOCKET_NB, Op::Bind, Op::Connect, write(1), read(1), WRITE, Op::Close],
    )
}

/// Two at one address.
fn address() -> Space {
    fresh().calls_of(0, SA, &[SOCKET, Op::Bind, LISTEN, Op::Close]).calls_of(
        0,
        SB,
        &[SOCKET, Op::Bind, LISTEN],
    )
}

/// Calls in the wrong state.
fn unconnected() -> Space {
    fresh()
        .calls_of(0, SA, &[SOCKET, LISTEN, Op::Bind, BOTH, READ, Op::Close, Op::Connect])
        .calls_of(0, SA, &[read(1), read(0), write(0), send(1, SendFlags::NOSIGNAL), ACCEPT])
        .calls_of(0, SA, &[receive(0, SendFlags::NONE), poll(ALL, false), ERROR, RESETS])
}

/// All of them.
pub(crate) fn spaces() -> Vec<Pinned> {
    vec![
        pinned("tcp ending", ending(), 4_074, 4_160),
        pinned("tcp resets", resets(), 978, 978),
        pinned("tcp much", much(), 815, 668),
        pinned("tcp flags", flags(), 783, 783),
        pinned("tcp polling", polling(), 863, 899),
        pinned("tcp oddities", oddities(), 330, 292),
        pinned("tcp time-outs", time_outs(), 205, 205),
        pinned("tcp shared", shared(), 2_395, 5_011),
        pinned("tcp cut short", cut_short(), 143, 174),
        pinned("tcp meeting", meeting(), 1_662, 1_783),
        pinned("tcp meeting nonblocking", meeting_nonblocking(), 12_328, 5_190),
        pinned("tcp backlog", backlog(), 9_303, 10_886),
        pinned("tcp asking", asking(), 35_182, 34_756),
        pinned("tcp itself", itself(), 557, 505),
        pinned("tcp address", address(), 442, 465),
        pinned("tcp unconnected", unconnected(), 1_757, 1_565),
    ]
}
