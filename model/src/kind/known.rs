//! The kinds of channel that the specification knows: what each claims, and what it starts with.

use super::{Discipline, Ends, Hold, Kind, MESSAGE_BYTES, Naming, Side, SocketType, Takes};
use crate::call::Mode;
use crate::taxonomy::{Direction, Reach, Waiting};

/// Ends for reading or for writing.
const ONE_WAY: &[Hold] = &[Hold::READ, Hold::WRITE];

/// Ends opened by path.
const BY_PATH: &[Hold] = &[Hold::READ, Hold::WRITE, Hold::BOTH];

/// Ends of two one-way channels: what one side writes the other reads.
const TWO_WAYS: &[Hold] = &[
    Hold { mode: Mode::Read, side: Side::A },
    Hold { mode: Mode::Write, side: Side::A },
    Hold { mode: Mode::Read, side: Side::B },
    Hold { mode: Mode::Write, side: Side::B },
];

/// Two sockets, connected to each other.
pub const CONNECTED: &[Hold] =
    &[Hold { mode: Mode::ReadWrite, side: Side::A }, Hold { mode: Mode::ReadWrite, side: Side::B }];

/// Capacity of a pipe that nobody has changed, in bytes (pipe(7), "Pipe capacity").
const PIPE_CAPACITY_BYTES: u32 = 65_536;

/// The unnamed pipe.
pub const PIPE: Kind = Kind {
    name: "pipe",
    says: "An unnamed pipe, pipe(2); processes inherit its ends or are passed them.",
    reach: Reach::RelatedProcesses,
    direction: Direction::Simplex,
    waiting: Waiting::Waits,
    ends: Ends::Shared,
    discipline: Discipline::Stream,
    sides: 1,
    held: ONE_WAY,
    capacity_default_bytes: PIPE_CAPACITY_BYTES,
    chapters: &["stream", "descriptor", "epoll"],
};

/// The named pipe.
pub const FIFO: Kind = Kind {
    name: "fifo",
    says: "A named pipe, mkfifo(3); processes open its path.",
    reach: Reach::UnrelatedProcesses,
    direction: Direction::Simplex,
    waiting: Waiting::Waits,
    ends: Ends::Opened,
    discipline: Discipline::Stream,
    sides: 1,
    held: BY_PATH,
    capacity_default_bytes: PIPE_CAPACITY_BYTES,
    chapters: &["stream", "fifo", "descriptor", "epoll"],
};

/// Two pipes, one for each way.
pub const PIPE_PAIR: Kind = Kind {
    name: "pipe-pair",
    says: "Two unnamed pipes, one for each direction.",
    reach: Reach::RelatedProcesses,
    direction: Direction::Duplex,
    waiting: Waiting::Waits,
    ends: Ends::Shared,
    discipline: Discipline::Stream,
    sides: 2,
    held: TWO_WAYS,
    capacity_default_bytes: PIPE_CAPACITY_BYTES,
    chapters: &["stream", "descriptor", "epoll"],
};

/// The POSIX message queue.
pub const MESSAGE_QUEUE: Kind = Kind {
    name: "message-queue",
    says: "A POSIX message queue, mq_open(3); processes open its name.",
    reach: Reach::UnrelatedProcesses,
    direction: Direction::Simplex,
    waiting: Waiting::Waits,
    ends: Ends::Opened,
    discipline: Discipline::Queue,
    sides: 1,
    held: BY_PATH,
    capacity_default_bytes: 4 * MESSAGE_BYTES,
    chapters: &["queue", "descriptor"],
};

/// The shared file.
pub const FILE: Kind = Kind {
    name: "file",
    says: "A regular file; each process opens its path.",
    reach: Reach::UnrelatedProcesses,
    direction: Direction::Simplex,
    waiting: Waiting::BusyWaits,
    ends: Ends::Opened,
    discipline: Discipline::File,
    sides: 1,
    held: BY_PATH,
    capacity_default_bytes: 0,
    chapters: &["file", "descriptor"],
};

/// A file whose open file descriptions are shared.
pub const INHERITED_FILE: Kind = Kind {
    name: "inherited-file",
    says: "A regular file, opened once; processes inherit its descriptors or are passed them.",
    reach: Reach::RelatedProcesses,
    ends: Ends::Shared,
    ..FILE
};

/// The file with a talk button.
pub const LOCKED_FILE: Kind = Kind {
    name: "locked-file",
    says: "A regular file that is read and written only by the holder of its lock (F_OFD_SETLK).",
    direction: Direction::HalfDuplex,
    waiting: Waiting::Waits,
    chapters: &["file", "lock", "descriptor"],
    ..FILE
};

/// The same with the older lock.
pub const FLOCKED_FILE: Kind = Kind {
    name: "locked-file-flock",
    says: "A regular file that is read and written only by the holder of its lock (flock).",
    ..LOCKED_FILE
};

/// The global variable that is polled.
pub const GLOBAL_VARIABLE: Kind = Kind {
    name: "global-variable",
    says: "A variable of one process with one writer and any number of readers, which poll it; no \
           read sees half a value.",
    reach: Reach::Threads,
    direction: Direction::Simplex,
    waiting: Waiting::BusyWaits,
    ends: Ends::Own,
    discipline: Discipline::Cell,
    sides: 1,
    held: ONE_WAY,
    capacity_default_bytes: 64,
    chapters: &["cell", "descriptor"],
};

/// The global variable behind a lock.
pub const GUARDED_VARIABLE: Kind = Kind {
    name: "guarded-variable",
    says: "A variable of one process behind a mutex; readers wait on a condition variable for a \
           value that they have not seen.",
    waiting: Waiting::Waits,
    ..GLOBAL_VARIABLE
};

/// Two variables that are polled.
pub const VARIABLE_PAIR: Kind = Kind {
    name: "variable-pair",
    says: "Two variables of one process, one for each direction; stores to the two are not \
           ordered.",
    direction: Direction::Duplex,
    sides: 2,
    held: TWO_WAYS,
    ..GLOBAL_VARIABLE
};

/// Two variables behind a lock.
pub const GUARDED_VARIABLE_PAIR: Kind = Kind {
    name: "guarded-variable-pair",
    says: "Two variables of one process, one for each direction, each behind a mutex with a \
           condition variable.",
    direction: Direction::Duplex,
    sides: 2,
    held: TWO_WAYS,
    ..GUARDED_VARIABLE
};

/// The ring in shared memory that is polled.
pub const SHARED_MEMORY: Kind = Kind {
    name: "shared-memory",
    says: "A ring buffer in shared memory, from one producer to one consumer; both poll it.",
    reach: Reach::UnrelatedProcesses,
    direction: Direction::Simplex,
    waiting: Waiting::BusyWaits,
    ends: Ends::Own,
    discipline: Discipline::Ring,
    sides: 1,
    held: ONE_WAY,
    capacity_default_bytes: 100,
    chapters: &["ring", "descriptor"],
};

/// The ring in shared memory whose ends wait.
pub const SHARED_MEMORY_WAITING: Kind = Kind {
    name: "shared-memory-waiting",
    says: "The same ring buffer; the consumer sleeps while it is empty, the producer while it is \
           full.",
    waiting: Waiting::Waits,
    ..SHARED_MEMORY
};

/// Unix stream sockets.
pub const UNIX_STREAM: Kind = Kind {
    name: "unix-stream",
    says: "Unix stream sockets: a socketpair(2), or connected by a path.",
    reach: Reach::UnrelatedProcesses,
    direction: Direction::Duplex,
    waiting: Waiting::Waits,
    ends: Ends::Connected,
    discipline: Discipline::Unix(SocketType::Stream, Naming::Path),
    sides: 2,
    held: CONNECTED,
    capacity_default_bytes: 0,
    chapters: &["unix", "socket", "descriptor"],
};

/// Unix stream sockets with a name that is in no file system.
pub const UNIX_STREAM_ABSTRACT: Kind = Kind {
    name: "unix-stream-abstract",
    says: "Unix stream sockets: a socketpair(2), or connected by an abstract name, which no file \
           system holds.",
    discipline: Discipline::Unix(SocketType::Stream, Naming::Abstract),
    ..UNIX_STREAM
};

/// Unix sockets that keep the bounds of messages and are connected.
pub const UNIX_SEQPACKET: Kind = Kind {
    name: "unix-seqpacket",
    says: "Connected Unix sockets that keep message boundaries: a socketpair(2), or connected by a \
           path.",
    discipline: Discipline::Unix(SocketType::Seqpacket, Naming::Path),
    chapters: &["message", "unix", "socket", "descriptor"],
    ..UNIX_STREAM
};

/// Unix datagram sockets.
pub const UNIX_DATAGRAM: Kind = Kind {
    name: "unix-datagram",
    says: "Unix datagram sockets: a socketpair(2), or messages sent to a path.",
    discipline: Discipline::Unix(SocketType::Datagram, Naming::Path),
    ..UNIX_SEQPACKET
};

/// A TCP connection.
pub const TCP: Kind = Kind {
    name: "tcp",
    says: "TCP sockets: a connection between two addresses, on one machine or on two.",
    reach: Reach::Machines,
    direction: Direction::Duplex,
    waiting: Waiting::Waits,
    ends: Ends::Connected,
    discipline: Discipline::Tcp,
    sides: 2,
    held: CONNECTED,
    capacity_default_bytes: 0,
    chapters: &["tcp", "connection", "socket", "descriptor"],
};

/// The counter of `eventfd(2)`.
pub const EVENTFD: Kind = Kind {
    name: "eventfd",
    says: "A counter in the kernel, eventfd(2); writes add to it, a read takes all.",
    reach: Reach::RelatedProcesses,
    direction: Direction::Simplex,
    waiting: Waiting::Waits,
    ends: Ends::Shared,
    discipline: Discipline::Counter(Takes::All),
    sides: 1,
    held: &[Hold::BOTH],
    capacity_default_bytes: 0,
    chapters: &["eventfd", "descriptor", "epoll"],
};

/// The counter of `eventfd(2)` with `EFD_SEMAPHORE`.
pub const EVENTFD_SEMAPHORE: Kind = Kind {
    name: "eventfd-semaphore",
    says: "A counter in the kernel, eventfd(2) with EFD_SEMAPHORE; writes add to it, a read takes one.",
    discipline: Discipline::Counter(Takes::One),
    ..EVENTFD
};

/// All kinds.
pub const KINDS: &[&Kind] = &[
    &PIPE,
    &FIFO,
    &PIPE_PAIR,
    &FILE,
    &INHERITED_FILE,
    &LOCKED_FILE,
    &FLOCKED_FILE,
    &MESSAGE_QUEUE,
    &EVENTFD,
    &EVENTFD_SEMAPHORE,
    &GLOBAL_VARIABLE,
    &GUARDED_VARIABLE,
    &VARIABLE_PAIR,
    &GUARDED_VARIABLE_PAIR,
    &SHARED_MEMORY,
    &SHARED_MEMORY_WAITING,
    &UNIX_STREAM,
    &UNIX_STREAM_ABSTRACT,
    &UNIX_SEQPACKET,
    &UNIX_DATAGRAM,
    &TCP,
];
