//! Calls and replies: what an actor may ask of an end, and what it may see.
//!
//! Nothing here says which reply a call gets; that is stated in [`crate::rules`].

use std::fmt;

use crate::data::Data;

/// An actor of a run (a process or a thread), as an index into [`crate::run::Run::seats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Actor(pub u8);

/// A descriptor of one actor, as an index into [`crate::run::Run::end_names`].
///
/// The same number in two actors names two descriptors, as file descriptors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct End(pub u8);

/// The most actors of a run.
pub const ACTORS_MAX: usize = 8;

/// The most descriptors that one actor may name in a run.
pub const ENDS_MAX: usize = 8;

/// Access mode of an open file description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// `O_RDONLY`
    Read,
    /// `O_WRONLY`
    Write,
    /// `O_RDWR`
    ReadWrite,
}

impl Mode {
    /// Whether the mode allows reading.
    pub fn reads(self) -> bool {
        self != Mode::Write
    }

    /// Whether the mode allows writing.
    pub fn writes(self) -> bool {
        self != Mode::Read
    }
}

/// What an actor asks for. Lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    /// `open(2)` of the channel's path; the call's end is the new descriptor.
    Open {
        /// Access mode.
        mode: Mode,
        /// Whether `O_NONBLOCK` is given.
        nonblock: bool,
    },
    /// `read(2)` of up to `len` bytes.
    Read {
        /// Bytes asked for.
        len: u32,
    },
    /// `write(2)` of `len` bytes.
    Write {
        /// Bytes offered.
        len: u32,
    },
    /// `close(2)`.
    Close,
    /// `dup(2)`: `new` becomes another descriptor of the same open file description.
    Dup {
        /// The descriptor made; must not be open.
        new: End,
    },
    /// `fcntl(F_SETFL)`: sets or clears `O_NONBLOCK` of the open file description.
    SetNonblock(bool),
    /// `poll(2)` on this one end.
    Poll {
        /// The events asked for; [`Events::ERR`], [`Events::HUP`] and [`Events::NVAL`] are always reported.
        events: Events,
        /// True: time-out of −1, wait for ever. False: time-out of 0.
        wait: bool,
    },
    /// `fcntl(F_SETPIPE_SZ)`.
    SetCapacity {
        /// Capacity asked for.
        bytes: u32,
    },
    /// `fcntl(F_GETPIPE_SZ)`.
    GetCapacity,
    /// `ioctl(FIONREAD)`: how many bytes could be read.
    Available,
    /// `lseek(fd, 0, SEEK_CUR)`.
    Seek,
    /// `pread(2)` of up to `len` bytes at offset 0.
    ReadAt {
        /// Bytes asked for.
        len: u32,
    },
    /// `pwrite(2)` of `len` bytes at offset 0.
    WriteAt {
        /// Bytes offered.
        len: u32,
    },
    /// `unlink(2)` of the channel's path; needs no end.
    Unlink,
}

impl Op {
    /// The words for calls, in runs and in rule ids.
    pub const WORDS: [&'static str; 14] = [
        "open",
        "read",
        "write",
        "close",
        "dup",
        "nonblocking",
        "poll",
        "set-capacity",
        "capacity",
        "available",
        "seek",
        "read-at",
        "write-at",
        "unlink",
    ];

    /// Which call it is, as an index into [`Op::WORDS`].
    pub const fn kind(&self) -> usize {
        match self {
            Op::Open { .. } => 0,
            Op::Read { .. } => 1,
            Op::Write { .. } => 2,
            Op::Close => 3,
            Op::Dup { .. } => 4,
            Op::SetNonblock(_) => 5,
            Op::Poll { .. } => 6,
            Op::SetCapacity { .. } => 7,
            Op::GetCapacity => 8,
            Op::Available => 9,
            Op::Seek => 10,
            Op::ReadAt { .. } => 11,
            Op::WriteAt { .. } => 12,
            Op::Unlink => 13,
        }
    }

    /// The word for this call.
    pub const fn word(&self) -> &'static str {
        Op::WORDS[self.kind()]
    }
}

/// One call: who, on which of its descriptors, what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Call {
    /// The caller.
    pub actor: Actor,
    /// The descriptor; for [`Op::Open`] the one made, for [`Op::Unlink`] of no meaning.
    pub end: End,
    /// The operation.
    pub op: Op,
}

/// A set of `poll(2)` events, with the bits of Linux's `<poll.h>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Events(pub u16);

impl Events {
    /// No event.
    pub const NONE: Events = Events(0);
    /// `POLLIN`
    pub const IN: Events = Events(0x1);
    /// `POLLPRI`
    pub const PRI: Events = Events(0x2);
    /// `POLLOUT`
    pub const OUT: Events = Events(0x4);
    /// `POLLERR`
    pub const ERR: Events = Events(0x8);
    /// `POLLHUP`
    pub const HUP: Events = Events(0x10);
    /// `POLLNVAL`
    pub const NVAL: Events = Events(0x20);
    /// `POLLRDHUP`
    pub const RDHUP: Events = Events(0x2000);

    /// Every event that has a name, in the order in which they are written.
    pub const NAMED: [(&'static str, Events); 7] = [
        ("in", Events::IN),
        ("pri", Events::PRI),
        ("out", Events::OUT),
        ("err", Events::ERR),
        ("hup", Events::HUP),
        ("nval", Events::NVAL),
        ("rdhup", Events::RDHUP),
    ];

    /// Events of either set.
    pub const fn union(self, other: Events) -> Events {
        Events(self.0 | other.0)
    }

    /// Events of both sets.
    pub const fn intersection(self, other: Events) -> Events {
        Events(self.0 & other.0)
    }

    /// Whether every event of `other` is in this set.
    pub const fn contains(self, other: Events) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Events {
    /// `in|hup`, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut first = true;
        for (name, event) in Events::NAMED {
            if self.contains(event) {
                write!(f, "{}{name}", if first { "" } else { "|" })?;
                first = false;
                rest &= !event.0;
            }
        }
        match (rest, first) {
            (0, true) => f.write_str("none"),
            (0, false) => Ok(()),
            (rest, first) => write!(f, "{}{rest:#x}", if first { "" } else { "|" }),
        }
    }
}

macro_rules! errnos {
    ($($name:ident = $number:literal),* $(,)?) => {
        /// An error number of the system, by its name in `<errno.h>`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Errno {
            $(#[doc = concat!("`", stringify!($name), "`")] $name,)*
            /// An error number that no rule speaks of, as Linux numbers it.
            Other(u16),
        }

        impl Errno {
            /// All that have a name, with Linux's generic numbering.
            pub const NAMED: &'static [(&'static str, Errno, u16)] =
                &[$((stringify!($name), Errno::$name, $number)),*];
        }
    };
}

errnos! {
    EPERM = 1, ENOENT = 2, EINTR = 4, EIO = 5, ENXIO = 6, EBADF = 9, EAGAIN = 11, ENOMEM = 12,
    EACCES = 13, EFAULT = 14, EBUSY = 16, EEXIST = 17, ENODEV = 19, EINVAL = 22, ENFILE = 23,
    EMFILE = 24, ENOTTY = 25, EFBIG = 27, ENOSPC = 28, ESPIPE = 29, EROFS = 30, EPIPE = 32,
    EDOM = 33, EDEADLK = 35, ENOSYS = 38, ENOBUFS = 105,
}

impl Errno {
    /// The error number that Linux (generic numbering) calls `number`.
    pub fn from_number(number: u16) -> Errno {
        Errno::NAMED
            .iter()
            .find(|(_, _, n)| *n == number)
            .map_or(Errno::Other(number), |(_, errno, _)| *errno)
    }
}

impl fmt::Display for Errno {
    /// The name, or `E` and the number: `EAGAIN`, `E131`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Errno::Other(number) => write!(f, "E{number}"),
            named => write!(f, "{named:?}"),
        }
    }
}

/// A signal raised in the caller by its own call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// `SIGPIPE`: a write that nobody can read.
    Sigpipe,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Sigpipe => "SIGPIPE",
        })
    }
}

/// What a call gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answer {
    /// Success of a call that counts: bytes transferred, capacity in bytes, bytes available.
    Count(u32),
    /// Success of a call that counts nothing.
    Done,
    /// The events that `poll` found; empty when the time-out of 0 passed.
    Ready(Events),
    /// The call failed.
    Fails(Errno),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Count(count) => write!(f, "{count}"),
            Answer::Done => f.write_str("ok"),
            Answer::Ready(events) => write!(f, "{events}"),
            Answer::Fails(errno) => write!(f, "{errno}"),
        }
    }
}

/// All that the caller sees of a call that has returned.
///
/// Answer and signal are independent: a write can return 65,536 *and* raise SIGPIPE.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// What the call returned.
    pub answer: Answer,
    /// The signal that it raised, if any.
    pub signal: Option<Signal>,
    /// The bytes that it gave; [`Data::Unknown`] for calls that give none.
    pub data: Data,
}

impl Reply {
    /// A reply without signal and without data.
    pub const fn new(answer: Answer) -> Reply {
        Reply { answer, signal: None, data: Data::Unknown }
    }
}

impl fmt::Display for Reply {
    /// The answer and the signal, `EPIPE + SIGPIPE`; data needs a run's names to be shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.answer)?;
        match self.signal {
            Some(signal) => write!(f, " + {signal}"),
            None => Ok(()),
        }
    }
}
