//! Small alphabets, of which every short scenario is made.
//!
//! Sizes are those at which something changes where a page has 4,096 bytes and the capacity is 65,536.

use pipewright_model::call::{Actor, Call, End, Events, Mode, Op, OpenFlags, SendFlags};
use pipewright_model::kind::{Hold, Side};

use super::Alphabet;

const R: End = End(0);
const W: End = End(1);
const RW: End = End(2);

const fn call(actor: u8, end: End, op: Op) -> Call {
    Call { actor: Actor(actor), end, op }
}

const fn read(actor: u8, len: u32) -> Call {
    call(actor, R, Op::Read { len })
}

const fn write(actor: u8, len: u32) -> Call {
    call(actor, W, Op::Write { len })
}

const fn open(actor: u8, end: End, mode: Mode, nonblock: bool) -> Call {
    let flags = if nonblock { OpenFlags::NONBLOCK } else { OpenFlags::NONE };
    call(actor, end, Op::Open { mode, flags })
}

const fn poll(actor: u8, end: End, events: Events, wait: bool) -> Call {
    call(actor, end, Op::Poll { events, wait })
}

/// All of them.
pub const ALPHABETS: &[&Alphabet] =
    &[&PAIR, &TWO_WRITERS, &OPENING, &HALF_CLOSE, &TALKING, &CONNECTING];

const S: End = End(0);
const S2: End = End(1);
const A: Hold = Hold { mode: Mode::ReadWrite, side: Side::A };
const B: Hold = Hold { mode: Mode::ReadWrite, side: Side::B };

const fn shutdown(actor: u8, how: Mode) -> Call {
    call(actor, S, Op::Shutdown { how })
}

/// Two connected sockets that close, each way by itself.
pub const HALF_CLOSE: Alphabet = Alphabet {
    name: "closing by halves",
    kinds: &["unix-stream", "unix-seqpacket", "unix-datagram"],
    seats: &[&[(S, A)], &[(S, B)]],
    end_names: &["s"],
    calls: &[
        call(0, S, Op::Write { len: 1 }),
        shutdown(0, Mode::Read),
        shutdown(0, Mode::Write),
        shutdown(0, Mode::ReadWrite),
        call(0, S, Op::Close),
        call(1, S, Op::Read { len: 2 }),
        call(1, S, Op::Write { len: 1 }),
        poll(1, S, Events(Events::IN.0 | Events::OUT.0 | Events::RDHUP.0), false),
        poll(1, S, Events::RDHUP, true),
        shutdown(1, Mode::Read),
        call(1, S, Op::Close),
    ],
};

/// Two that talk to each other.
pub const TALKING: Alphabet = Alphabet {
    name: "two that talk",
    kinds: &["unix-stream", "unix-seqpacket", "unix-datagram"],
    seats: &[&[(S, A)], &[(S, B)]],
    end_names: &["s"],
    calls: &[
        call(0, S, Op::Write { len: 0 }),
        call(0, S, Op::Write { len: 2 }),
        call(0, S, Op::Write { len: 131_072 }),
        call(0, S, Op::Read { len: 1 }),
        call(0, S, Op::SetNonblock(true)),
        call(0, S, Op::Close),
        call(1, S, Op::Write { len: 2 }),
        call(1, S, Op::Read { len: 131_072 }),
        call(1, S, Op::Receive { len: 1, flags: SendFlags::PEEK }),
        call(1, S, Op::Receive { len: 4, flags: SendFlags::WAITALL }),
        call(1, S, Op::Available),
        call(1, S, Op::Close),
    ],
};

/// From a path to a connection.
pub const CONNECTING: Alphabet = Alphabet {
    name: "connecting by path",
    kinds: &["unix-stream", "unix-stream-abstract", "unix-seqpacket", "unix-datagram"],
    seats: &[&[], &[]],
    end_names: &["s", "s2"],
    calls: &[
        call(0, S, Op::Socket { nonblock: false }),
        call(0, S, Op::Bind),
        call(0, S, Op::Listen { backlog: 0 }),
        call(0, S, Op::Accept { new: S2, nonblock: false }),
        call(0, S, Op::Unlink),
        call(0, S, Op::Close),
        call(1, S, Op::Socket { nonblock: false }),
        call(1, S, Op::Connect),
        call(1, S, Op::Write { len: 1 }),
        call(1, S, Op::Read { len: 1 }),
    ],
};

/// One writer and one reader.
pub const PAIR: Alphabet = Alphabet {
    name: "one writer, one reader",
    kinds: &["pipe", "fifo"],
    seats: &[&[(W, Hold::WRITE)], &[(R, Hold::READ)]],
    end_names: &["r", "w"],
    calls: &[
        write(0, 1),
        write(0, 4097),
        write(0, 65_536),
        call(0, W, Op::SetNonblock(true)),
        poll(0, W, Events::OUT, true),
        call(0, W, Op::Close),
        read(1, 1),
        read(1, 65_536),
        call(1, R, Op::SetNonblock(true)),
        poll(1, R, Events::IN, false),
        poll(1, R, Events::IN, true),
        call(1, R, Op::Close),
    ],
};

/// Two writers, whose writes may be torn, and one reader.
pub const TWO_WRITERS: Alphabet = Alphabet {
    name: "two writers, one reader",
    kinds: &["pipe", "fifo"],
    seats: &[&[(W, Hold::WRITE)], &[(W, Hold::WRITE)], &[(R, Hold::READ)]],
    end_names: &["r", "w"],
    calls: &[
        write(0, 1),
        write(0, 5000),
        write(0, 65_537),
        call(0, W, Op::SetNonblock(true)),
        call(0, W, Op::Close),
        write(1, 1),
        write(1, 5000),
        write(1, 65_537),
        call(1, W, Op::SetNonblock(true)),
        call(1, W, Op::Close),
        read(2, 4096),
        read(2, 131_072),
        call(2, R, Op::Close),
    ],
};

/// Two that open the channel by path, one for reading, one for writing or both.
pub const OPENING: Alphabet = Alphabet {
    name: "opening by path",
    kinds: &["fifo"],
    seats: &[&[], &[]],
    end_names: &["r", "w", "rw"],
    calls: &[
        open(0, R, Mode::Read, false),
        open(0, R, Mode::Read, true),
        read(0, 1),
        poll(0, R, Events::IN, true),
        call(0, R, Op::Close),
        open(1, W, Mode::Write, false),
        open(1, W, Mode::Write, true),
        open(1, RW, Mode::ReadWrite, false),
        write(1, 1),
        call(1, W, Op::Close),
        call(1, RW, Op::Close),
        call(1, W, Op::Unlink),
    ],
};
