//! Small spaces of Unix sockets: send buffers of four pieces, pieces of two bytes.

use pipewright_model::call::{End, Events, Mode, Op, SendFlags, SocketOption};
use pipewright_model::explore::Space;
use pipewright_model::kind::{
    Hold, Kind, Side, UNIX_DATAGRAM, UNIX_SEQPACKET, UNIX_STREAM, UNIX_STREAM_ABSTRACT,
};
use pipewright_model::run::{Name, Seat, Setup};

use super::{Add, poll, read, write};

const S: End = End(0);
const S2: End = End(1);
const S3: End = End(2);
const ALL: Events = Events(Events::IN.0 | Events::OUT.0 | Events::RDHUP.0);
const NB: [Op; 2] = [Op::SetNonblock(true), Op::SetNonblock(false)];

/// Seats by sides: of each actor the first end is a socket of the pair, or none.
fn sockets(kind: &'static Kind, seats: &[Option<Side>]) -> Space {
    let seat = |(index, side): (usize, &Option<Side>)| {
        Seat::new(
            Name::new(&format!("a{index}")).unwrap(),
            side.iter().map(|side| (S, Hold { mode: Mode::ReadWrite, side: *side })).collect(),
        )
    };
    Space {
        setup: Setup::new(kind),
        seats: seats.iter().enumerate().map(seat).collect(),
        end_names: ["s", "s2", "s3"].map(|name| Name::new(name).unwrap()).to_vec(),
        alphabet: Vec::new(),
        fill_bytes: 3,
        lasting_bytes: None,
    }
}

fn pair(kind: &'static Kind) -> Space {
    sockets(kind, &[Some(Side::A), Some(Side::B)])
}

fn shutdown(how: Mode) -> Op {
    Op::Shutdown { how }
}

fn send(len: u32, flags: SendFlags) -> Op {
    Op::Send { len, flags }
}

fn receive(len: u32, flags: SendFlags) -> Op {
    Op::Receive { len, flags }
}

fn set(option: SocketOption, value: i32) -> Op {
    Op::SetOption { option, value }
}

fn get(option: SocketOption) -> Op {
    Op::GetOption { option }
}

const SOCKET: Op = Op::Socket { nonblock: false };
const SOCKET_NB: Op = Op::Socket { nonblock: true };
const ACCEPT: Op = Op::Accept { new: S2, nonblock: false };

fn listen(backlog: u16) -> Op {
    Op::Listen { backlog }
}

/// One that writes and one that reads, closes and half-closes.
pub(crate) fn streams() -> Space {
    pair(&UNIX_STREAM).calls_of(0, S, &[write(9), Op::Close, Op::SetNonblock(true)]).calls_of(
        1,
        S,
        &[read(9), Op::Close, shutdown(Mode::Read)],
    )
}

/// The other way round, and short ones.
pub(crate) fn half_closing() -> Space {
    pair(&UNIX_STREAM)
        .calls_of(0, S, &[write(1), shutdown(Mode::Write), shutdown(Mode::ReadWrite)])
        .calls_of(0, S, &NB)
        .calls_of(1, S, &[read(1), read(9), write(1), Op::Close])
}

/// Readers that ask for nothing, for all, or only look; ends under way.
pub(crate) fn flags() -> Space {
    let end = Op::SendEnd { len: 1, passed: S };
    pair(&UNIX_STREAM)
        .calls_of(0, S, &[write(0), write(1), end, Op::SendEnd { len: 0, passed: S }])
        .calls_of(0, S, &[Op::SendEnd { len: 1, passed: S3 }, Op::Close])
        .calls_of(0, S, &[send(1, SendFlags::NOSIGNAL), send(1, SendFlags::ADDRESSED)])
        .calls_of(1, S, &[read(0), read(9), receive(0, SendFlags::NONE), Op::Close])
        .calls_of(1, S, &[receive(1, SendFlags::PEEK), receive(3, SendFlags::WAITALL)])
        .calls_of(1, S, &[receive(3, SendFlags::DONTWAIT.union(SendFlags::WAITALL))])
        .calls_of(1, S, &[Op::ReceiveEnd { len: 9, new: S2 }])
        .calls_of(1, S2, &[Op::Close])
}

/// One that never waits for a connection.
pub(crate) fn accepting() -> Space {
    sockets(&UNIX_STREAM, &[None]).calls_of(0, S, &[SOCKET_NB, Op::Bind, listen(0), ACCEPT])
}

/// Two that read.
pub(crate) fn two_readers() -> Space {
    sockets(&UNIX_STREAM, &[Some(Side::A), Some(Side::B), Some(Side::B)])
        .calls_of(0, S, &[write(3)])
        .calls_of(1, S, &[read(9)])
        .calls_of(2, S, &[read(9)])
}

/// Two that poll.
pub(crate) fn polling(kind: &'static Kind) -> Space {
    pair(kind)
        .calls_of(0, S, &[write(5), Op::Close, shutdown(Mode::ReadWrite)])
        .calls_of(1, S, &[poll(ALL, false), poll(ALL, true), poll(Events::NONE, true)])
        .calls_of(1, S, &[read(9), write(1), shutdown(Mode::Write), get(SocketOption::Error)])
}

/// Options, and what a socket is not.
pub(crate) fn options() -> Space {
    let us = SocketOption::ReceiveTimeoutUs;
    let mut ops = vec![
        set(us, 0),
        set(us, 1),
        set(us, -1),
        set(SocketOption::ReceiveTimeoutS, -1),
        set(SocketOption::SendBuffer, 0),
        set(SocketOption::SendBuffer, -1),
        set(SocketOption::Error, 0),
        set(SocketOption::Linger, 0),
    ];
    ops.extend([us, SocketOption::ReceiveTimeoutS, SocketOption::SendBuffer].map(get));
    ops.extend([SocketOption::Error, SocketOption::ReceiveBuffer].map(get));
    ops.extend([Op::POSITION, Op::GetCapacity, Op::SetCapacity { bytes: 1 }, Op::Available]);
    ops.extend([Op::ReadAt { len: 1, at: 0 }, Op::WriteAt { len: 1, at: 0 }]);
    ops.extend([Op::Truncate { len: 0 }, read(1), receive(2, SendFlags::WAITALL)]);
    pair(&UNIX_STREAM).calls_of(0, S, &ops).calls_of(1, S, &[write(1), read(1), Op::Close])
}

/// From a path to a connection.
pub(crate) fn connecting(kind: &'static Kind) -> Space {
    sockets(kind, &[None, None])
        .calls_of(0, S, &[SOCKET, Op::Bind, listen(0), ACCEPT, Op::Close, shutdown(Mode::Read)])
        .calls_of(0, S, &[Op::Unlink])
        .calls_of(1, S, &[SOCKET_NB, Op::Connect, listen(0), read(1)])
}

/// One that is connected, and connects again where no more connections may wait.
pub(crate) fn connecting_again() -> Space {
    let accept = Op::Accept { new: S2, nonblock: true };
    sockets(&UNIX_STREAM, &[None, None])
        .calls_of(0, S, &[SOCKET, Op::Bind, listen(0), accept])
        .calls_of(1, S, &[SOCKET, Op::Connect])
}

/// One that looks for a path while another binds to it.
pub(crate) fn naming() -> Space {
    sockets(&UNIX_STREAM, &[None, None]).calls_of(0, S, &[SOCKET, Op::Bind, Op::Unlink]).calls_of(
        1,
        S,
        &[Op::Open { mode: Mode::Read, flags: Default::default() }],
    )
}

/// One that is alone, and does what goes wrong.
pub(crate) fn misusing(kind: &'static Kind) -> Space {
    let us = SocketOption::ReceiveTimeoutUs;
    sockets(kind, &[None])
        .calls_of(0, S, &[SOCKET, Op::Bind, listen(0), ACCEPT, Op::Connect, set(us, 1), Op::Close])
        .calls_of(0, S, &[Op::Open { mode: Mode::Read, flags: Default::default() }, Op::Unlink])
        .calls_of(0, S, &[send(1, SendFlags::ADDRESSED), write(1), read(1), Op::Available])
        .calls_of(0, S, &[poll(ALL, false), shutdown(Mode::ReadWrite)])
}

/// Two that wait to be connected, one of them over again.
pub(crate) fn waiting() -> Space {
    sockets(&UNIX_STREAM, &[None, None, None])
        .calls_of(0, S, &[SOCKET, Op::Bind, listen(0), ACCEPT])
        .calls_of(1, S, &[SOCKET, Op::Connect])
        .calls_of(2, S, &[SOCKET, Op::Connect])
}

/// A read beside calls that see it midway.
pub(crate) fn midway() -> Space {
    sockets(&UNIX_STREAM, &[Some(Side::A), Some(Side::A), Some(Side::B)])
        .calls_of(0, S, &[write(3)])
        .calls_of(1, S, &[poll(Events::OUT, false), Op::Close])
        .calls_of(2, S, &[read(9), Op::Close])
}

/// Messages between two.
pub(crate) fn messages(kind: &'static Kind) -> Space {
    pair(kind)
        .calls_of(0, S, &[write(1), write(5), Op::Close])
        .calls_of(0, S, &[shutdown(Mode::Write), Op::SetNonblock(true)])
        .calls_of(1, S, &[read(1), Op::Close, shutdown(Mode::Read), write(0)])
}

/// Flags on messages.
pub(crate) fn message_flags(kind: &'static Kind) -> Space {
    let us = SocketOption::ReceiveTimeoutUs;
    pair(kind)
        .calls_of(0, S, &[write(2), Op::SendEnd { len: 0, passed: S }, Op::Close])
        .calls_of(0, S, &[Op::SendEnd { len: 1, passed: S3 }])
        .calls_of(1, S, &[receive(1, SendFlags::PEEK), receive(1, SendFlags::TRUNC), read(0)])
        .calls_of(1, S, &[receive(1, SendFlags::DONTWAIT), read(9), set(us, 1), Op::Available])
        .calls_of(1, S, &[Op::ReceiveEnd { len: 9, new: S2 }, shutdown(Mode::Read)])
        .calls_of(1, S2, &[Op::Close])
}

/// Two that wait for one message, one of which only looks.
pub(crate) fn oversleeping() -> Space {
    sockets(&UNIX_DATAGRAM, &[Some(Side::A), Some(Side::B), Some(Side::B)])
        .calls_of(0, S, &[write(1)])
        .calls_of(1, S, &[receive(1, SendFlags::PEEK)])
        .calls_of(2, S, &[receive(1, SendFlags::NONE)])
}

/// One receives a message beside another who looks for it.
pub(crate) fn taking(kind: &'static Kind) -> Space {
    sockets(kind, &[Some(Side::A), Some(Side::B), Some(Side::B)])
        .calls_of(0, S, &[write(1), shutdown(Mode::Write), poll(Events::OUT, false)])
        .calls_of(1, S, &[read(1)])
        .calls_of(2, S, &[poll(Events::IN, false), Op::Available, receive(1, SendFlags::DONTWAIT)])
}

/// Datagrams to an address.
pub(crate) fn addressed() -> Space {
    sockets(&UNIX_DATAGRAM, &[None, None])
        .calls_of(0, S, &[SOCKET, Op::Bind, read(1), Op::Close, Op::Connect, listen(0), ACCEPT])
        .calls_of(0, S, &[Op::SendEnd { len: 0, passed: S }])
        .calls_of(1, S, &[SOCKET, Op::Connect, write(1), send(1, SendFlags::ADDRESSED), Op::Close])
        .calls_of(1, S, &[shutdown(Mode::Write), write(9)])
}

/// One of a pair that talks to another.
pub(crate) fn leaving() -> Space {
    sockets(&UNIX_DATAGRAM, &[Some(Side::A), Some(Side::B), None])
        .calls_of(0, S, &[Op::Connect, write(1)])
        .calls_of(1, S, &[write(1), read(1), poll(Events::NONE, false)])
        .calls_of(2, S, &[SOCKET, Op::Bind, Op::Connect, send(1, SendFlags::ADDRESSED)])
}

/// One that is connected, and sends elsewhere.
pub(crate) fn elsewhere() -> Space {
    pair(&UNIX_DATAGRAM).calls_of(
        0,
        S,
        &[send(1, SendFlags::ADDRESSED), shutdown(Mode::Write), shutdown(Mode::Read)],
    )
}

/// One that has no peer, and sends.
pub(crate) fn alone() -> Space {
    sockets(&UNIX_DATAGRAM, &[None]).calls_of(
        0,
        S,
        &[SOCKET, send(1, SendFlags::NONE), shutdown(Mode::Write), Op::Close],
    )
}

/// A receiver whose queue is full.
pub(crate) fn crowded() -> Space {
    let mut space = sockets(&UNIX_DATAGRAM, &[None, None])
        .calls_of(0, S, &[SOCKET, Op::Bind, read(1), Op::Close])
        .calls_of(1, S, &[SOCKET, SOCKET_NB, set(SocketOption::SendBuffer, 50)])
        .calls_of(1, S, &[send(0, SendFlags::ADDRESSED)]);
    space.fill_bytes = 12;
    space
}

/// All of them, with how many states they have on Linux and in POSIX.
pub(crate) fn spaces() -> Vec<(&'static str, Space, usize, usize)> {
    vec![
        ("unix streams", streams(), 5_563, 7_351),
        ("unix half-closing", half_closing(), 12_942, 8_983),
        ("unix flags", flags(), 37_630, 28_992),
        ("unix polling", polling(&UNIX_STREAM), 6_925, 19_934),
        ("unix options", options(), 12_598, 14_077),
        ("unix connecting", connecting(&UNIX_STREAM), 9_288, 6_504),
        ("unix abstract names", connecting(&UNIX_STREAM_ABSTRACT), 4_629, 3_279),
        ("unix naming", naming(), 59, 64),
        ("unix misusing", misusing(&UNIX_STREAM), 658, 367),
        ("unix accepting", accepting(), 29, 33),
        ("unix two readers", two_readers(), 648, 801),
        ("unix waiting", waiting(), 10_771, 6_837),
        ("unix midway", midway(), 2_907, 6_721),
        ("seqpackets", messages(&UNIX_SEQPACKET), 5_864, 10_551),
        ("seqpackets polling", polling(&UNIX_SEQPACKET), 1_280, 2_786),
        ("seqpackets misusing", misusing(&UNIX_SEQPACKET), 658, 391),
        ("unix connecting again", connecting_again(), 376, 358),
        ("datagrams", messages(&UNIX_DATAGRAM), 9_001, 14_716),
        ("datagrams' flags", message_flags(&UNIX_DATAGRAM), 18_360, 23_798),
        ("seqpackets' flags", message_flags(&UNIX_SEQPACKET), 16_866, 22_028),
        ("seqpackets taking", taking(&UNIX_SEQPACKET), 1_276, 1_300),
        ("datagrams taking", taking(&UNIX_DATAGRAM), 1_284, 1_236),
        ("datagrams oversleeping", oversleeping(), 381, 302),
        ("datagrams addressed", addressed(), 26_960, 37_518),
        ("datagrams leaving", leaving(), 40_398, 79_259),
        ("datagrams elsewhere", elsewhere(), 24, 34),
        ("datagrams alone", alone(), 22, 18),
        ("datagrams crowded", crowded(), 3_890, 5_951),
    ]
}
