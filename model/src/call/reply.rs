//! What a caller sees: counts, errors, events, signals, data.

use std::fmt;

use super::args::flags;
use super::{Amount, End, Events};
use crate::data::Data;

macro_rules! errnos {
    ($($name:ident = $number:literal),* $(,)?) => {
        /// An error number of the system, by its name in `<errno.h>`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
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
    EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EIO = 5, ENXIO = 6, E2BIG = 7, EBADF = 9,
    ECHILD = 10, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14, EBUSY = 16, EEXIST = 17,
    EXDEV = 18, ENODEV = 19, ENOTDIR = 20, EISDIR = 21, EINVAL = 22, ENFILE = 23, EMFILE = 24,
    ENOTTY = 25, ETXTBSY = 26, EFBIG = 27, ENOSPC = 28, ESPIPE = 29, EROFS = 30, EMLINK = 31,
    EPIPE = 32, EDOM = 33, ERANGE = 34, EDEADLK = 35, ENAMETOOLONG = 36, ENOLCK = 37, ENOSYS = 38,
    ENOTEMPTY = 39, ELOOP = 40, ENODATA = 61, ETIME = 62, EPROTO = 71, EBADMSG = 74,
    EOVERFLOW = 75, EILSEQ = 84, ENOTSOCK = 88, EDESTADDRREQ = 89, EMSGSIZE = 90, EPROTOTYPE = 91,
    ENOPROTOOPT = 92, EPROTONOSUPPORT = 93, ESOCKTNOSUPPORT = 94, EOPNOTSUPP = 95,
    EPFNOSUPPORT = 96, EAFNOSUPPORT = 97, EADDRINUSE = 98, EADDRNOTAVAIL = 99, ENETDOWN = 100,
    ENETUNREACH = 101, ENETRESET = 102, ECONNABORTED = 103,
    ECONNRESET = 104, ENOBUFS = 105, EISCONN = 106, ENOTCONN = 107, ESHUTDOWN = 108,
    ETOOMANYREFS = 109, ETIMEDOUT = 110, ECONNREFUSED = 111, EHOSTDOWN = 112, EHOSTUNREACH = 113,
    EALREADY = 114, EINPROGRESS = 115, ESTALE = 116, EDQUOT = 122, ECANCELED = 125,
}

impl Errno {
    /// The number, as Linux numbers it.
    pub fn number(self) -> u16 {
        match self {
            Errno::Other(number) => number,
            named => Errno::NAMED.iter().find(|(_, errno, _)| *errno == named).map_or(0, |n| n.2),
        }
    }

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
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
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

flags! {
    /// What came with a message besides its bytes (`msg_flags` and ancillary data of `recvmsg(2)`).
    Marks:
    /// Bytes of the message did not fit and are lost (`MSG_TRUNC`).
    TRUNCATED = 1 "truncated",
    /// A descriptor came.
    END = 2 "end",
    /// A descriptor was lost as there was no room for it (`MSG_CTRUNC`).
    END_LOST = 4 "end-lost",
}

/// The most events that `epoll_wait` is asked for in a run.
pub const TOLD_MAX: usize = 4;

/// The events that an `epoll_wait` tells, in order: each by the descriptor that was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Told {
    len: u8,
    /// Ends and events: those in one byte, as an answer is copied all the time.
    entries: [(u8, u8); TOLD_MAX],
}

/// `POLLRDHUP` in one byte.
const RDHUP: u8 = 0x20;

impl Told {
    /// None.
    pub const NOTHING: Told = Told { len: 0, entries: [(0, 0); TOLD_MAX] };

    /// How many.
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds what was found of a descriptor. Nothing more than [`TOLD_MAX`] is kept.
    pub fn push(&mut self, end: End, events: Events) {
        let rdhup = if events.contains(Events::RDHUP) { RDHUP } else { 0 };
        if let Some(entry) = self.entries.get_mut(usize::from(self.len)) {
            *entry = (end.0, events.0 as u8 & !RDHUP | rdhup);
            self.len += 1;
        }
    }

    /// What was found, in order.
    pub fn iter(&self) -> impl Iterator<Item = (End, Events)> + use<> {
        let Told { len, entries } = *self;
        entries.into_iter().take(usize::from(len)).map(|(end, packed)| {
            let events = Events(u16::from(packed & !RDHUP));
            let more = if packed & RDHUP != 0 { Events::RDHUP } else { Events::NONE };
            (End(end), events.union(more))
        })
    }
}

impl FromIterator<(End, Events)> for Told {
    fn from_iter<I: IntoIterator<Item = (End, Events)>>(entries: I) -> Told {
        let mut told = Told::NOTHING;
        entries.into_iter().for_each(|(end, events)| told.push(end, events));
        told
    }
}

/// What a call gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Answer {
    /// Success of a call that counts: bytes transferred, capacity in bytes, bytes available.
    Count(u32),
    /// The same, of a message with which something came besides its bytes.
    Marked(u32, Marks),
    /// Success of a call that gives a value of more than 32 bits; [`Answer::value`] makes it.
    Value(Amount),
    /// Success of a call that counts nothing.
    Done,
    /// The events that `poll` found; empty when the time-out of 0 passed.
    Ready(Events),
    /// Those that an `epoll_wait` told, of one descriptor at least; of none it is [`Ready`](Answer::Ready) with none.
    Told(Told),
    /// Those that a `poll` on several ends found, as an index into [`Run::polled`](crate::run::Run::polled).
    Polled(u16),
    /// The call failed.
    Fails(Errno),
}

impl Answer {
    /// Success of a call that gives a value.
    pub const fn value(value: u64) -> Answer {
        if value <= u32::MAX as u64 {
            Answer::Count(value as u32)
        } else {
            Answer::Value(Amount::new(value))
        }
    }

    /// The bytes that it counts, if it counts.
    pub const fn count(&self) -> Option<u32> {
        match self {
            Answer::Count(count) | Answer::Marked(count, _) => Some(*count),
            _ => None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Count(count) => write!(f, "{count}"),
            Answer::Marked(count, marks) => write!(f, "{count}{marks}"),
            Answer::Value(value) => write!(f, "{value}"),
            Answer::Done => f.write_str("ok"),
            Answer::Ready(events) => write!(f, "{events}"),
            Answer::Polled(_) | Answer::Told(_) => f.write_str("events"),
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
