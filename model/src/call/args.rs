//! What goes with a call: access modes, flags, events, options. Each has the words that runs spell it with.

use std::fmt;

/// Access mode of an open file description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Mode {
    /// `O_RDONLY`
    Read,
    /// `O_WRONLY`
    Write,
    /// `O_RDWR`
    ReadWrite,
}

impl Mode {
    /// The words for them.
    pub const NAMED: [(&'static str, Mode); 3] =
        [("read", Mode::Read), ("write", Mode::Write), ("read-write", Mode::ReadWrite)];

    /// Whether the mode allows reading.
    pub fn reads(self) -> bool {
        self != Mode::Write
    }

    /// Whether the mode allows writing.
    pub fn writes(self) -> bool {
        self != Mode::Read
    }
}

/// A set of flags, each a bit with a word.
macro_rules! flags {
    ($(#[$of:meta])* $type:ident: $($(#[$doc:meta])* $name:ident = $bit:literal $word:literal),* $(,)?) => {
        $(#[$of])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
        pub struct $type(pub u8);

        impl $type {
            /// None of them.
            pub const NONE: $type = $type(0);
            $($(#[$doc])* pub const $name: $type = $type($bit);)*

            /// The words for them, in the order in which they are written.
            pub const NAMED: &'static [(&'static str, $type)] = &[$(($word, $type::$name)),*];

            /// Flags of either set.
            #[must_use]
            pub const fn union(self, other: $type) -> $type {
                $type(self.0 | other.0)
            }

            /// Flags of this set that are not in the other.
            #[must_use]
            pub const fn without(self, other: $type) -> $type {
                $type(self.0 & !other.0)
            }

            /// Whether all flags of `other` are in this set.
            pub const fn contains(self, other: $type) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether there are none.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }
        }

        impl fmt::Display for $type {
            /// The words, each with a space before it.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for (word, flag) in $type::NAMED {
                    if self.contains(*flag) {
                        write!(f, " {word}")?;
                    }
                }
                Ok(())
            }
        }
    };
}

pub(super) use flags;

/// What `lseek(2)` counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Whence {
    /// `SEEK_SET`: the start.
    Start,
    /// `SEEK_CUR`: where the description is.
    Current,
    /// `SEEK_END`: the end.
    End,
}

impl Whence {
    /// The words for them.
    pub const NAMED: [(&'static str, Whence); 3] =
        [("start", Whence::Start), ("current", Whence::Current), ("end", Whence::End)];
}

/// A lock on a whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Lock {
    /// None: what was held is given up (`F_UNLCK`, `LOCK_UN`).
    None,
    /// Together with others who share it (`F_RDLCK`, `LOCK_SH`).
    Shared,
    /// Alone (`F_WRLCK`, `LOCK_EX`).
    Exclusive,
}

impl Lock {
    /// The words for them.
    pub const NAMED: [(&'static str, Lock); 3] =
        [("none", Lock::None), ("shared", Lock::Shared), ("exclusive", Lock::Exclusive)];
}

flags! {
    /// Flags of `open(2)`.
    OpenFlags:
    /// `O_APPEND`
    APPEND = 1 "append",
    /// `O_TRUNC`
    TRUNCATE = 2 "truncate",
    /// `O_NONBLOCK`
    NONBLOCK = 4 "nonblocking",
}

flags! {
    /// Flags of `send(2)` and `recvmsg(2)`.
    SendFlags:
    /// `MSG_DONTWAIT`
    DONTWAIT = 1 "dontwait",
    /// `MSG_PEEK`
    PEEK = 2 "peek",
    /// `MSG_WAITALL`
    WAITALL = 4 "waitall",
    /// `MSG_TRUNC`
    TRUNC = 8 "trunc",
    /// `MSG_NOSIGNAL`
    NOSIGNAL = 16 "nosignal",
    /// An address is given: the channel's.
    ADDRESSED = 32 "addressed",
}

/// A socket option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum SocketOption {
    /// `SO_SNDBUF`, bytes
    SendBuffer,
    /// `SO_RCVBUF`, bytes
    ReceiveBuffer,
    /// `tv_usec` of `SO_RCVTIMEO`, with `tv_sec` 0, microseconds
    ReceiveTimeoutUs,
    /// `tv_sec` of `SO_RCVTIMEO`, with `tv_usec` 0, seconds
    ReceiveTimeoutS,
    /// `SO_LINGER`: −1 is off, else the seconds
    Linger,
    /// `SO_ERROR`: the number of the error that is pending, which is thereby taken; 0 for none
    Error,
}

impl SocketOption {
    /// The words for them.
    pub const NAMED: [(&'static str, SocketOption); 6] = [
        ("send-buffer", SocketOption::SendBuffer),
        ("receive-buffer", SocketOption::ReceiveBuffer),
        ("receive-timeout-us", SocketOption::ReceiveTimeoutUs),
        ("receive-timeout-s", SocketOption::ReceiveTimeoutS),
        ("linger", SocketOption::Linger),
        ("error", SocketOption::Error),
    ];
}

flags! {
    /// How an entry of an epoll is told.
    Trigger:
    /// `EPOLLET`
    EDGE = 1 "edge",
    /// `EPOLLONESHOT`
    ONE_SHOT = 2 "one-shot",
    /// `EPOLLEXCLUSIVE`
    EXCLUSIVE = 4 "exclusive",
}

/// A value of 64 bits, as a counter takes and gives.
///
/// In two halves, so that a call has the size that it has without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Amount {
    high: u32,
    low: u32,
}

impl Amount {
    /// This value.
    pub const fn new(value: u64) -> Amount {
        Amount { high: (value >> 32) as u32, low: value as u32 }
    }

    /// The value.
    pub const fn get(self) -> u64 {
        (self.high as u64) << 32 | self.low as u64
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.get())
    }
}

/// A set of `poll(2)` events, with the bits of Linux's `<poll.h>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
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
