//! Small alphabets, of which every short scenario is made.
//!
//! Sizes are those at which something changes where a page has 4,096 bytes and the capacity is 65,536.

use pipewright_model::call::{
    Actor, Amount, Call, End, Events, Lock, Mode, Op, OpenFlags, SendFlags, SocketOption, Whence,
};
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
    call(actor, end, Op::Poll { events, wait, among: false })
}

/// All of them.
pub const ALPHABETS: &[&Alphabet] = &[
    &PAIR,
    &COUNTER,
    &TWO_WRITERS,
    &OPENING,
    &FILE,
    &FILE_OPENED,
    &LOCKS,
    &FLOCKS,
    &VARIABLE,
    &RING,
    &HALF_CLOSE,
    &TALKING,
    &CONNECTING,
    &ASKING,
    &WRONG_OFFSETS,
    &WRONG_LENGTHS,
    &WRONG_SOCKETS,
];

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

const fn add(actor: u8, value: u64) -> Call {
    call(actor, RW, Op::Add { value: Amount::new(value) })
}

/// Two who add to a counter, and take from it.
pub const COUNTER: Alphabet = Alphabet {
    name: "a counter",
    kinds: &["eventfd", "eventfd-semaphore"],
    seats: &[&[(RW, Hold::BOTH)], &[(RW, Hold::BOTH)]],
    end_names: &["r", "w", "rw"],
    calls: &[
        add(0, 0),
        add(0, 1),
        add(0, u64::MAX - 1),
        add(0, u64::MAX),
        poll(0, RW, Events::OUT, true),
        call(0, RW, Op::SetNonblock(true)),
        call(0, RW, Op::Close),
        call(1, RW, Op::Take),
        poll(1, RW, Events(Events::IN.0 | Events::OUT.0), false),
        poll(1, RW, Events::IN, true),
        add(1, 2),
        call(1, RW, Op::Write { len: 7 }),
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

const fn seek(actor: u8, end: End, from: Whence, offset: i32) -> Call {
    call(actor, end, Op::Seek { from, offset })
}

const fn truncate(actor: u8, end: End, len: u32) -> Call {
    call(actor, end, Op::Truncate { len })
}

/// One who writes a file and one who reads it.
pub const FILE: Alphabet = Alphabet {
    name: "one writes a file, one reads it",
    kinds: &["file", "inherited-file"],
    seats: &[&[(RW, Hold::BOTH)], &[(R, Hold::READ)]],
    end_names: &["r", "w", "rw"],
    calls: &[
        call(0, RW, Op::Write { len: 2 }),
        call(0, RW, Op::Write { len: 4097 }),
        call(0, RW, Op::Read { len: 4096 }),
        seek(0, RW, Whence::Start, 1),
        seek(0, RW, Whence::End, 1),
        truncate(0, RW, 0),
        truncate(0, RW, 3),
        call(0, RW, Op::ReadAt { len: 9, at: 1 }),
        call(0, RW, Op::Available),
        read(1, 1),
        read(1, 9000),
        seek(1, R, Whence::Current, -1),
        call(1, R, Op::Available),
        poll(1, R, Events::IN, true),
    ],
};

const fn opens(actor: u8, end: End, mode: Mode, flags: OpenFlags) -> Call {
    call(actor, end, Op::Open { mode, flags })
}

/// One who has a file open, and one who opens it in all ways.
pub const FILE_OPENED: Alphabet = Alphabet {
    name: "opening a file",
    kinds: &["file", "locked-file", "locked-file-flock"],
    seats: &[&[(RW, Hold::BOTH)], &[]],
    end_names: &["r", "w", "rw"],
    calls: &[
        call(0, RW, Op::Write { len: 3 }),
        call(0, RW, Op::ReadAt { len: 9, at: 0 }),
        call(0, RW, Op::Unlink),
        call(0, RW, Op::Close),
        open(1, R, Mode::Read, false),
        opens(1, R, Mode::Read, OpenFlags::TRUNCATE),
        opens(1, W, Mode::Write, OpenFlags::TRUNCATE),
        opens(1, W, Mode::Write, OpenFlags::APPEND),
        call(1, W, Op::Write { len: 2 }),
        call(1, W, Op::Close),
        read(1, 9),
        call(1, R, Op::Close),
    ],
};

const fn lock(actor: u8, end: End, lock: Lock, wait: bool) -> Call {
    call(actor, end, Op::Lock { lock, wait })
}

const fn flock(actor: u8, end: End, lock: Lock, wait: bool) -> Call {
    call(actor, end, Op::Flock { lock, wait })
}

/// Two who lock a file, one of them with a duplicate, one with two opens.
pub const LOCKS: Alphabet = Alphabet {
    name: "locks",
    kinds: &["locked-file"],
    seats: &[&[(RW, Hold::BOTH)], &[(R, Hold::READ), (W, Hold::WRITE)]],
    end_names: &["r", "w", "rw"],
    calls: &[
        lock(0, RW, Lock::Shared, true),
        lock(0, RW, Lock::Exclusive, true),
        lock(0, RW, Lock::None, false),
        call(0, RW, Op::Dup { new: W }),
        lock(0, W, Lock::Shared, false),
        call(0, RW, Op::Close),
        call(0, W, Op::Close),
        lock(1, R, Lock::Shared, false),
        lock(1, W, Lock::Exclusive, true),
        lock(1, W, Lock::Exclusive, false),
        lock(1, W, Lock::None, false),
        call(1, R, Op::Close),
        lock(1, R, Lock::Shared, true),
    ],
};

/// The same with the older locks.
pub const FLOCKS: Alphabet = Alphabet {
    name: "locks of flock",
    kinds: &["locked-file-flock"],
    seats: &[&[(RW, Hold::BOTH)], &[(R, Hold::READ), (W, Hold::WRITE)]],
    end_names: &["r", "w", "rw"],
    calls: &[
        flock(0, RW, Lock::Shared, true),
        flock(0, RW, Lock::Exclusive, true),
        flock(0, RW, Lock::None, false),
        call(0, RW, Op::Dup { new: W }),
        flock(0, W, Lock::Shared, false),
        call(0, RW, Op::Close),
        call(0, W, Op::Close),
        flock(1, R, Lock::Shared, false),
        flock(1, W, Lock::Exclusive, true),
        flock(1, W, Lock::Exclusive, false),
        flock(1, W, Lock::None, false),
        call(1, R, Op::Close),
        flock(1, R, Lock::Exclusive, true),
    ],
};

/// A variable with two readers.
pub const VARIABLE: Alphabet = Alphabet {
    name: "a variable, two readers",
    kinds: &["global-variable", "guarded-variable"],
    seats: &[&[(W, Hold::WRITE)], &[(R, Hold::READ)], &[(R, Hold::READ)]],
    end_names: &["r", "w"],
    calls: &[
        write(0, 64),
        write(0, 1),
        call(0, W, Op::Close),
        read(1, 64),
        read(1, 65),
        call(1, R, Op::Close),
        read(2, 64),
        read(2, 65),
        call(2, R, Op::Close),
    ],
};

/// The two sides of a ring of 100 bytes.
pub const RING: Alphabet = Alphabet {
    name: "a ring",
    kinds: &["shared-memory", "shared-memory-waiting"],
    seats: &[&[(W, Hold::WRITE)], &[(R, Hold::READ)]],
    end_names: &["r", "w"],
    calls: &[
        write(0, 0),
        write(0, 1),
        write(0, 70),
        write(0, 100),
        write(0, 201),
        call(0, W, Op::Close),
        read(1, 0),
        read(1, 1),
        read(1, 60),
        read(1, 200),
        call(1, R, Op::Close),
    ],
};

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

/// One who listens, and one who asks for a connection and does not wait.
pub const ASKING: Alphabet = Alphabet {
    name: "asking for a connection",
    kinds: &["tcp"],
    seats: &[&[], &[]],
    end_names: &["s", "s2"],
    calls: &[
        call(0, S, Op::Socket { nonblock: false }),
        call(0, S, Op::Bind),
        call(0, S, Op::Listen { backlog: 0 }),
        call(0, S, Op::Accept { new: S2, nonblock: false }),
        shutdown(0, Mode::Read),
        call(0, S, Op::Close),
        call(1, S, Op::Socket { nonblock: true }),
        call(1, S, Op::Connect),
        call(1, S, Op::GetOption { option: SocketOption::Error }),
        poll(1, S, Events::OUT, false),
        shutdown(1, Mode::Write),
        call(1, S, Op::Write { len: 1 }),
    ],
};

const fn read_at(end: End, at: i32) -> Call {
    call(0, end, Op::ReadAt { len: 1, at })
}

const fn write_at(end: End, at: i32) -> Call {
    call(0, end, Op::WriteAt { len: 1, at })
}

/// Offsets and modes that are wrong, one or both at once.
pub const WRONG_OFFSETS: Alphabet = Alphabet {
    name: "wrong offsets and modes",
    kinds: &["pipe", "fifo", "file"],
    seats: &[&[(R, Hold::READ), (W, Hold::WRITE)]],
    end_names: &["r", "w"],
    calls: &[
        read_at(R, 0),
        read_at(R, -1),
        read_at(W, 0),
        read_at(W, -1),
        write_at(W, 0),
        write_at(W, -1),
        write_at(R, 0),
        write_at(R, -1),
        truncate(0, R, 1),
        call(0, R, Op::Close),
        call(0, W, Op::Close),
    ],
};

/// Lengths and modes that are wrong, one or both at once, of a queue that is empty or not.
pub const WRONG_LENGTHS: Alphabet = Alphabet {
    name: "wrong lengths and modes",
    kinds: &["message-queue"],
    seats: &[&[(R, Hold::READ), (W, Hold::WRITE)]],
    end_names: &["r", "w"],
    calls: &[
        read(0, 63),
        read(0, 64),
        call(0, W, Op::Read { len: 63 }),
        call(0, W, Op::Read { len: 64 }),
        write(0, 64),
        write(0, 65),
        call(0, R, Op::Write { len: 65 }),
        call(0, R, Op::SetNonblock(true)),
        call(0, W, Op::SetNonblock(true)),
    ],
};

/// Calls on sockets in a state in which they fail, for one reason or for several.
pub const WRONG_SOCKETS: Alphabet = Alphabet {
    name: "sockets in the wrong state",
    kinds: &["unix-stream", "unix-stream-abstract", "unix-seqpacket", "tcp"],
    seats: &[&[]],
    end_names: &["s", "s2", "s3"],
    calls: &[
        call(0, S, Op::Socket { nonblock: true }),
        call(0, S2, Op::Socket { nonblock: true }),
        call(0, S, Op::Bind),
        call(0, S2, Op::Bind),
        call(0, S, Op::Listen { backlog: 0 }),
        call(0, S2, Op::Listen { backlog: 0 }),
        call(0, S, Op::Connect),
        call(0, S2, Op::Connect),
        call(0, S, Op::Accept { new: End(2), nonblock: true }),
        call(0, S2, Op::Accept { new: End(2), nonblock: true }),
        shutdown(0, Mode::Read),
        call(0, S2, Op::Shutdown { how: Mode::Write }),
        call(0, S2, Op::Send { len: 1, flags: SendFlags::NOSIGNAL }),
    ],
};
