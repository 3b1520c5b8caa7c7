//! What a caller sees: counts, errors, events, signals, data.

use std::fmt;

use super::Events;
use super::args::flags;
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

/// What a call gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Answer {
    /// Success of a call that counts: bytes transferred, capacity in bytes, bytes available.
    Count(u32),
    /// The same, of a message with which something came besides its bytes.
    Marked(u32, Marks),
    /// Success of a call that counts nothing.
    Done,
    /// The events that `poll` found; empty when the time-out of 0 passed.
    Ready(Events),
    /// The call failed.
    Fails(Errno),
}

impl Answer {
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
