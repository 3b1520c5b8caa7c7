//! Why a live system waits: which process sleeps in which call, what would end that, and who could bring it about.
//!
//! [`look`] takes a [`Snapshot`] of all processes; [`picture`] makes of it the graph of waits of
//! [`pipewright_model::waits`], and reads nothing; a [`Report`] says in sentences what is asked, the knots first. *For ever*
//! is said only where everybody who could end the wait was seen asleep, at one moment, in the same knot.
//!
//! It judges no channel and no kernel: it takes from the rules the names under which calls sleep. To understand it, read
//! `snapshot` first, then `picture`.

mod call;
mod command;
mod look;
mod pattern;
mod picture;
mod report;
mod small;
mod snapshot;
mod sockets;
mod table;
mod tell;

pub use command::{Started, Step};
pub use look::look;
pub use pattern::{Pattern, Wait};
pub use picture::{Channel, Detail, End, Holder, Label, On, Picture, Wants, picture};
pub use report::{About, Knot, Report, settled};
pub use snapshot::{
    Address, Asleep, Call, Children, Descriptor, Doing, FileId, HeldLock, LockSort, Object,
    Process, Snapshot, Socket, SocketSort, Thread, Watched, Way,
};

/// The ids of all rules by which it says that a call sleeps.
pub const RULES: [&str; 20] = [
    "connection.connect.waits",
    "descriptor.poll.waits",
    "fifo.open.waits",
    "lock.flock.waits",
    "lock.lock.waits",
    "lock.process-lock.waits",
    "message.any.waits-for-message",
    "message.any.waits-for-receiver",
    "process.wait.waits",
    "queue.read.waits",
    "queue.write.waits",
    "signal.any.stopped",
    "socket.accept.waits",
    "stream.read.waits",
    "stream.write.waits",
    "tcp.any.read-waits",
    "tcp.any.write-waits",
    "unix.any.waits-for-data",
    "unix.any.waits-for-room",
    "unix.connect.waits",
];
