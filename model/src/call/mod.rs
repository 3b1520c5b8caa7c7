//! Calls and replies: what an actor may ask of an end, and what it may see.
//!
//! Nothing here says which reply a call gets; that is stated in [`crate::rules`].

mod args;
mod reply;

pub use args::{Events, Lock, Mode, OpenFlags, SendFlags, SocketOption, Whence};
pub use reply::{Answer, Errno, Marks, Reply, Signal};

/// An actor of a run (a process or a thread), as an index into [`crate::run::Run::seats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Actor(pub u8);

impl Actor {
    /// Who makes the moves that no call makes: no index into anything.
    pub const NOBODY: Actor = Actor(u8::MAX);
}

/// A descriptor of one actor, as an index into [`crate::run::Run::end_names`].
///
/// The same number in two actors names two descriptors, as file descriptors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct End(pub u8);

/// The most actors of a run.
pub const ACTORS_MAX: usize = 8;

/// The most descriptors that one actor may name in a run.
pub const ENDS_MAX: usize = 8;

/// What an actor asks for. Lengths and offsets are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Op {
    /// `open(2)` of the channel's path; the call's end is the new descriptor.
    Open {
        /// Access mode.
        mode: Mode,
        /// The other flags.
        flags: OpenFlags,
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
    /// `lseek(2)`.
    Seek {
        /// What the offset counts from.
        from: Whence,
        /// The offset.
        offset: i32,
    },
    /// `pread(2)` of up to `len` bytes at an offset.
    ReadAt {
        /// Bytes asked for.
        len: u32,
        /// The offset, from the start.
        at: i32,
    },
    /// `pwrite(2)` of `len` bytes at an offset.
    WriteAt {
        /// Bytes offered.
        len: u32,
        /// The offset, from the start.
        at: i32,
    },
    /// `unlink(2)` of the channel's path; needs no end.
    Unlink,
    /// `ftruncate(2)`: the file has `len` bytes from now on.
    Truncate {
        /// The length asked for.
        len: u32,
    },
    /// `fcntl(F_OFD_SETLK)` or `F_OFD_SETLKW` of the whole file.
    Lock {
        /// The lock asked for.
        lock: Lock,
        /// Whether to wait for it.
        wait: bool,
    },
    /// `flock(2)`.
    Flock {
        /// The lock asked for.
        lock: Lock,
        /// Whether to wait for it.
        wait: bool,
    },
    /// `socket(2)` of the channel's kind; the call's end is the new descriptor.
    Socket {
        /// Whether `SOCK_NONBLOCK` is given.
        nonblock: bool,
    },
    /// `bind(2)` to the channel's address.
    Bind,
    /// `listen(2)`.
    Listen {
        /// The backlog asked for.
        backlog: u16,
    },
    /// `connect(2)` to the channel's address.
    Connect,
    /// `accept4(2)`: `new` becomes the descriptor of the connection.
    Accept {
        /// The descriptor made; must not be open.
        new: End,
        /// Whether `SOCK_NONBLOCK` is given.
        nonblock: bool,
    },
    /// `shutdown(2)` of the direction that the mode names.
    Shutdown {
        /// [`Mode::Read`] is `SHUT_RD`, and so on.
        how: Mode,
    },
    /// `send(2)`, or with [`SendFlags::ADDRESSED`] `sendto(2)` to the channel's address.
    Send {
        /// Bytes offered.
        len: u32,
        /// Flags.
        flags: SendFlags,
    },
    /// `recvmsg(2)` of up to `len` bytes, without room for descriptors.
    Receive {
        /// Bytes asked for.
        len: u32,
        /// Flags.
        flags: SendFlags,
    },
    /// `sendmsg(2)` of `len` bytes that carry a descriptor (`SCM_RIGHTS`).
    SendEnd {
        /// Bytes offered.
        len: u32,
        /// The descriptor to be passed.
        passed: End,
    },
    /// `recvmsg(2)` of up to `len` bytes with room for one descriptor; `new` becomes it.
    ReceiveEnd {
        /// Bytes asked for.
        len: u32,
        /// The descriptor made, if one comes; must not be open.
        new: End,
    },
    /// `setsockopt(2)`.
    SetOption {
        /// Which.
        option: SocketOption,
        /// Its value.
        value: i32,
    },
    /// `getsockopt(2)`: counts the value.
    GetOption {
        /// Which.
        option: SocketOption,
    },
    /// Nobody's call: what has been sent arrives. Rules of this word are moves that no call makes and
    /// that nobody waits for; no run holds it.
    Deliver,
    /// Nobody's call either: an object to which nothing refers any more ends. Rules of this word say what that means;
    /// they follow at once on whatever let go of it.
    Release,
}

impl Op {
    /// `lseek(fd, 0, SEEK_CUR)`: where the description is.
    pub const POSITION: Op = Op::Seek { from: Whence::Current, offset: 0 };

    /// The words for calls, in runs and in rule ids.
    pub const WORDS: [&'static str; 31] = [
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
        "truncate",
        "lock",
        "flock",
        "socket",
        "bind",
        "listen",
        "connect",
        "accept",
        "shutdown",
        "send",
        "receive",
        "send-end",
        "receive-end",
        "set-option",
        "option",
        "deliver",
        "release",
    ];

    /// Whether it is a word of rules, and nobody's call.
    pub const fn is_nobodys(&self) -> bool {
        matches!(self, Op::Deliver | Op::Release)
    }

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
            Op::Seek { .. } => 10,
            Op::ReadAt { .. } => 11,
            Op::WriteAt { .. } => 12,
            Op::Unlink => 13,
            Op::Truncate { .. } => 14,
            Op::Lock { .. } => 15,
            Op::Flock { .. } => 16,
            Op::Socket { .. } => 17,
            Op::Bind => 18,
            Op::Listen { .. } => 19,
            Op::Connect => 20,
            Op::Accept { .. } => 21,
            Op::Shutdown { .. } => 22,
            Op::Send { .. } => 23,
            Op::Receive { .. } => 24,
            Op::SendEnd { .. } => 25,
            Op::ReceiveEnd { .. } => 26,
            Op::SetOption { .. } => 27,
            Op::GetOption { .. } => 28,
            Op::Deliver => 29,
            Op::Release => 30,
        }
    }

    /// The word for this call.
    pub const fn word(&self) -> &'static str {
        Op::WORDS[self.kind()]
    }

    /// How many bytes the call offers to be written, if it writes.
    pub const fn offers(&self) -> Option<u32> {
        match self {
            Op::Write { len }
            | Op::WriteAt { len, .. }
            | Op::Send { len, .. }
            | Op::SendEnd { len, .. } => Some(*len),
            _ => None,
        }
    }

    /// How many bytes the call asks to be given, if it reads.
    pub const fn asks(&self) -> Option<u32> {
        match self {
            Op::Read { len }
            | Op::ReadAt { len, .. }
            | Op::Receive { len, .. }
            | Op::ReceiveEnd { len, .. } => Some(*len),
            _ => None,
        }
    }

    /// The call with another length, if it has one.
    pub const fn with_len(self, to: u32) -> Op {
        match self {
            Op::Read { .. } => Op::Read { len: to },
            Op::Write { .. } => Op::Write { len: to },
            Op::ReadAt { at, .. } => Op::ReadAt { len: to, at },
            Op::WriteAt { at, .. } => Op::WriteAt { len: to, at },
            Op::Send { flags, .. } => Op::Send { len: to, flags },
            Op::Receive { flags, .. } => Op::Receive { len: to, flags },
            Op::SendEnd { passed, .. } => Op::SendEnd { len: to, passed },
            Op::ReceiveEnd { new, .. } => Op::ReceiveEnd { len: to, new },
            other => other,
        }
    }

    /// Whether the call is on the channel's name, and needs no descriptor.
    pub const fn is_by_name(&self) -> bool {
        matches!(self, Op::Open { .. } | Op::Socket { .. } | Op::Unlink)
    }

    /// The call with `rename` applied to the descriptors that it names besides the call's end.
    pub fn map_ends(self, rename: impl Fn(End) -> End) -> Op {
        match self {
            Op::Dup { new } => Op::Dup { new: rename(new) },
            Op::Accept { new, nonblock } => Op::Accept { new: rename(new), nonblock },
            Op::SendEnd { len, passed } => Op::SendEnd { len, passed: rename(passed) },
            Op::ReceiveEnd { len, new } => Op::ReceiveEnd { len, new: rename(new) },
            other => other,
        }
    }

    /// The descriptor that the call names besides the call's end.
    pub const fn other_end(&self) -> Option<End> {
        match self {
            Op::Dup { new } | Op::Accept { new, .. } | Op::ReceiveEnd { new, .. } => Some(*new),
            Op::SendEnd { passed, .. } => Some(*passed),
            _ => None,
        }
    }
}

/// One call: who, on which of its descriptors, what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Call {
    /// The caller.
    pub actor: Actor,
    /// The descriptor; for [`Op::Open`] and [`Op::Socket`] the one made, for [`Op::Unlink`] of no meaning.
    pub end: End,
    /// The operation.
    pub op: Op,
}

impl Call {
    /// The descriptor that the call works on, which should be open.
    pub const fn uses(&self) -> Option<End> {
        if self.op.is_by_name() { None } else { Some(self.end) }
    }

    /// The descriptor that the call makes if it succeeds, which must not be open.
    pub const fn makes(&self) -> Option<End> {
        match self.op {
            Op::Open { .. } | Op::Socket { .. } => Some(self.end),
            Op::Dup { new } | Op::Accept { new, .. } | Op::ReceiveEnd { new, .. } => Some(new),
            _ => None,
        }
    }

    /// The descriptors that the call names: the end, and another.
    pub fn ends(&self) -> impl Iterator<Item = End> + use<> {
        let end = (self.op != Op::Unlink).then_some(self.end);
        end.into_iter().chain(self.op.other_end())
    }

    /// Whether an answer means that what the call [makes](Call::makes) was made.
    pub fn made(&self, answer: Answer) -> bool {
        match (self.op, answer) {
            (_, Answer::Fails(_)) => false,
            (Op::ReceiveEnd { .. }, Answer::Marked(_, marks)) => marks.contains(Marks::END),
            (Op::ReceiveEnd { .. }, _) => false,
            _ => true,
        }
    }
}
