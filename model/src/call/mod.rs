//! Calls and replies: what an actor may ask of an end, and what it may see.
//!
//! Nothing here says which reply a call gets; that is stated in [`crate::rules`].

mod args;
mod made;
mod named;
mod reply;
mod signals;

pub use args::{Amount, Events, Lock, Mode, OpenFlags, SendFlags, SocketOption, Trigger, Whence};
pub use made::Call;
pub use reply::{Answer, Errno, Marks, Reply, Signal, TOLD_MAX, Told};
pub use signals::{DefaultAction, Disposition, Dispositions, Sig, Termination};

/// An actor of a run (a process or a thread), as an index into [`crate::run::Run::seats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Actor(pub u8);

impl Actor {
    /// The maker of the moves that no call makes: no index into anything.
    pub const NOBODY: Actor = Actor(u8::MAX);
}

/// A descriptor of one actor, as an index into [`crate::run::Run::end_names`].
///
/// The same number in two actors names two descriptors, as file descriptors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct End(pub u8);

impl End {
    /// A descriptor of another channel.
    pub const ELSEWHERE: End = End(u8::MAX);
}

/// The most actors of a run.
pub const ACTORS_MAX: usize = 32;

/// The most descriptors that one actor may name in a run.
pub const ENDS_MAX: usize = 32;

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
    /// `dup2(2)`: `new` becomes another descriptor of the same open file description, whatever it was before.
    Dup2 {
        /// The descriptor made; what it referred to is let go of.
        new: End,
    },
    /// `fcntl(F_SETFL)`: sets or clears `O_NONBLOCK` of the open file description.
    SetNonblock(bool),
    /// `fcntl(F_SETFD)`: sets or clears `FD_CLOEXEC` of the descriptor.
    SetCloseOnExec(bool),
    /// `poll(2)` on this one end.
    Poll {
        /// The events asked for; [`Events::ERR`], [`Events::HUP`] and [`Events::NVAL`] are always reported.
        events: Events,
        /// True: time-out of −1, wait for ever. False: time-out of 0.
        wait: bool,
        /// Whether it is on other ends as well: then it returns, too, where one of those has an event.
        among: bool,
    },
    /// `poll(2)` on several ends: of a whole run only, as each of its channels sees a poll on its own ends.
    PollSet {
        /// Which, as an index into [`Run::polls`](crate::run::Run::polls).
        set: u8,
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
    /// `fcntl(F_SETLK)` or `F_SETLKW` of the whole file: the lock is the process's.
    ProcessLock {
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
    /// `write(2)` of the 8 bytes of a value to a counter.
    Add {
        /// The value.
        value: Amount,
    },
    /// `read(2)` of the 8 bytes of a value from a counter: counts the value.
    Take,
    /// `epoll_create1(2)`; the call's end is the new descriptor.
    Epoll,
    /// `epoll_ctl(EPOLL_CTL_ADD)`.
    EpollAdd {
        /// The descriptor registered.
        target: End,
        /// The events of interest.
        events: Events,
        /// How they are told.
        trigger: Trigger,
    },
    /// `epoll_ctl(EPOLL_CTL_MOD)`.
    EpollModify {
        /// The descriptor registered.
        target: End,
        /// The events of interest.
        events: Events,
        /// How they are told.
        trigger: Trigger,
    },
    /// `epoll_ctl(EPOLL_CTL_DEL)`.
    EpollDelete {
        /// The descriptor registered.
        target: End,
    },
    /// `epoll_wait(2)`.
    EpollWait {
        /// The most events that it is to tell, up to [`TOLD_MAX`].
        most: u8,
        /// True: time-out of −1, wait for ever. False: time-out of 0.
        wait: bool,
    },
    /// `fork(2)`: a process comes to be.
    Fork {
        /// The child.
        child: Actor,
    },
    /// `execve(2)`: the process runs another program.
    Exec,
    /// `waitpid(2)` for one child; counts its status as the shell does: 128 and its number where a signal ended it.
    Wait {
        /// The child.
        child: Actor,
    },
    /// `kill(2)` of one process.
    Signal {
        /// Whose process.
        target: Actor,
        /// The signal.
        signal: Sig,
    },
    /// `sigaction(2)`: what the process has a signal do.
    SetSignal {
        /// The signal.
        signal: Sig,
        /// What it does.
        disposition: Disposition,
    },
    /// `_exit(2)`, or death by a signal: no call that returns. A run tells of it as
    /// [`Event::Exits`](crate::run::Event::Exits).
    Exit {
        /// How it ends.
        status: Termination,
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
    pub const WORDS: [&'static str; 47] = [
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
        "dup2",
        "close-on-exec",
        "fork",
        "exec",
        "wait",
        "signal",
        "sigaction",
        "process-lock",
        "add",
        "take",
        "epoll",
        "epoll-add",
        "epoll-modify",
        "epoll-delete",
        "epoll-wait",
        "exit",
        "deliver",
        "release",
    ];

    /// The words for calls that return: all but the last three.
    pub const CALLS: &'static [&'static str] = Op::WORDS.split_at(Op::WORDS.len() - 3).0;

    /// Whether it is a word of rules, and nobody's call.
    pub const fn is_nobodys(&self) -> bool {
        matches!(self, Op::Exit { .. } | Op::Deliver | Op::Release)
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
            Op::Poll { .. } | Op::PollSet { .. } => 6,
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
            Op::Dup2 { .. } => 29,
            Op::SetCloseOnExec(_) => 30,
            Op::Fork { .. } => 31,
            Op::Exec => 32,
            Op::Wait { .. } => 33,
            Op::Signal { .. } => 34,
            Op::SetSignal { .. } => 35,
            Op::ProcessLock { .. } => 36,
            Op::Add { .. } => 37,
            Op::Take => 38,
            Op::Epoll => 39,
            Op::EpollAdd { .. } => 40,
            Op::EpollModify { .. } => 41,
            Op::EpollDelete { .. } => 42,
            Op::EpollWait { .. } => 43,
            Op::Exit { .. } => 44,
            Op::Deliver => 45,
            Op::Release => 46,
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

    /// Whether the call is of the process, and on no descriptor and no channel.
    pub const fn is_of_process(&self) -> bool {
        matches!(
            self,
            Op::Fork { .. }
                | Op::Exec
                | Op::Wait { .. }
                | Op::Signal { .. }
                | Op::SetSignal { .. }
                | Op::Exit { .. }
        )
    }

    /// The process that the call names besides its caller.
    pub const fn child(&self) -> Option<Actor> {
        match self {
            Op::Fork { child } | Op::Wait { child } => Some(*child),
            _ => None,
        }
    }
}
