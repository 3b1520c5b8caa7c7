//! One moment of a live system: its processes, what they sleep in, what they hold. Plain data; it decides nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

/// What was seen of a system, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// All that hold descriptors, by number.
    pub processes: BTreeMap<i32, Process>,
    /// Unix and TCP sockets by inode.
    pub sockets: BTreeMap<u64, Socket>,
    /// Why something may hold an end and was not seen, each a clause; empty where everything was seen.
    pub unseen: Vec<String>,
    /// Processes whose descriptors can't be read.
    pub closed: Vec<i32>,
    /// Whether this is a PID namespace within another: then what a process brought along may be held outside.
    pub nested: bool,
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub id: i32,
    /// Its numbers in its PID namespaces, the outermost that is seen here first; empty where that is the only one.
    pub numbers: Vec<i32>,
    /// Its parent's; 0 where that is outside, and negative where it can't be read.
    pub parent: i32,
    /// When it was started, in ticks of the system.
    pub started: u64,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
    /// Its effective user.
    pub user: u32,
    /// Its name, with what no line should hold escaped.
    pub name: String,
    /// Its command line, likewise; empty where it has none.
    pub command: String,
    /// Its threads. Of a process that has ended and was not waited for there are none.
    pub threads: Vec<Thread>,
    /// What it holds; `None` where that could not be read.
    pub descriptors: Option<Vec<Descriptor>>,
    /// The signals that it catches: bit 0 is signal 1.
    pub caught: u64,
    /// Whether a timer of its own is set that sends a signal.
    pub timer: bool,
    /// The process that traces it, or 0.
    pub tracer: i32,
    /// Whether it may act without any of its threads, by a ring that the kernel works through.
    pub ring: bool,
}

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its number.
    pub id: i32,
    /// What it does.
    pub doing: Doing,
}

/// What a thread did at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It ran, or has moved between the looks.
    Runs,
    /// It slept from one look to the next in this call.
    Sleeps(Asleep),
    /// Its process is stopped by a signal.
    Stopped,
    /// It is stopped for its tracer, or waits for the kernel itself.
    Held(&'static str),
    /// It could not be looked at.
    Unreadable(&'static str),
}

/// A call asleep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asleep {
    /// As the manual calls it.
    pub name: &'static str,
    /// What it asks for.
    pub call: Call,
}

/// What a sleeping call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Data from a descriptor, or room for data in it.
    Transfer(i32, Way),
    /// A connection.
    Accept(i32),
    /// To be connected to this address; `None` where it is of another family or could not be read.
    Connect(i32, Option<Address>),
    /// A file by name: a FIFO, which needs the other side.
    Open {
        /// As it was given.
        path: String,
        /// The FIFO that is there, if one is.
        file: Option<FileId>,
        /// What it is opened for.
        way: Way,
    },
    /// A lock of an open file description on a whole file.
    Flock {
        /// The descriptor.
        fd: i32,
        /// Whether it excludes shared ones.
        exclusive: bool,
    },
    /// A lock on a range of bytes.
    Lock {
        /// The descriptor.
        fd: i32,
        /// Whether the description is to own it, and not the process.
        of_description: bool,
        /// Whether it excludes shared ones.
        exclusive: bool,
    },
    /// A message from a queue, or room in it.
    Queue(i32, Way),
    /// An event of any of these.
    Events(Vec<Watched>),
    /// The end of a child.
    Children(Children),
    /// A time; it ends by itself.
    Time,
    /// Something that is not followed, such as a word of memory.
    NotFollowed,
}

/// Which way data goes, from the caller's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It reads.
    In,
    /// It writes.
    Out,
}

impl Way {
    /// The other one.
    #[must_use]
    pub fn turned(self) -> Way {
        match self {
            Way::In => Way::Out,
            Way::Out => Way::In,
        }
    }
}

/// A descriptor that a poll, select or epoll watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The number.
    pub fd: i32,
    /// Whether it waits for data, a connection or the end.
    pub input: bool,
    /// Whether it waits for room.
    pub output: bool,
    /// The inode of the file that is watched, where the kernel tells; the number may have come to mean another.
    pub inode: Option<u64>,
}

/// Whose end is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Children {
    /// Any child.
    Any,
    /// This one.
    One(i32),
    /// Any of this process group.
    Group(i32),
}

/// A descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Its number.
    pub number: i32,
    /// What it refers to.
    pub object: Object,
    /// Whether data can be read by it.
    pub reads: bool,
    /// Whether data can be written by it.
    pub writes: bool,
    /// Locks that its description holds, or of a range its process.
    pub locks: Vec<HeldLock>,
    /// Of an epoll, what it watches.
    pub watches: Vec<Watched>,
}

/// What a descriptor refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A pipe without a name, by inode.
    Pipe(u64),
    /// A FIFO, its path, and whether that is gone.
    Fifo(FileId, String, bool),
    /// A socket, by inode.
    Socket(u64),
    /// A file, a directory or a device on which locks may be held.
    File(FileId, String),
    /// A terminal.
    Terminal(String),
    /// A POSIX message queue; whether its name is gone.
    Queue(FileId, String, bool),
    /// An epoll.
    Epoll,
    /// A process.
    Process(i32),
    /// A timer; whether it is set.
    Timer(bool),
    /// Something that is not followed, by what the kernel calls it.
    Other(String),
}

/// A file of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId {
    /// The device.
    pub device: u64,
    /// The inode.
    pub inode: u64,
}

/// A lock that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLock {
    /// Of which sort.
    pub sort: LockSort,
    /// Whether it excludes shared ones.
    pub exclusive: bool,
}

/// Sorts of locks that exclude each other. Those of ranges do, whoever owns them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockSort {
    /// flock(2).
    Flock,
    /// fcntl(2), owned by a process.
    OfProcess,
    /// fcntl(2), owned by an open file description.
    OfDescription,
}

/// A socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Of which family and type.
    pub sort: SocketSort,
    /// Whether it listens.
    pub listens: bool,
    /// The inode of its peer, where that is on this machine and known.
    pub peer: Option<u64>,
    /// Its address, where it has one, as the kernel tells it.
    pub address: Option<Address>,
    /// Bytes that lie in its queue.
    pub unread: u32,
    /// Bytes, or messages, under way from it.
    pub sending: u32,
    /// Whether a call on it may end by a time-out; `None` where that can't be seen.
    pub time_out: Option<bool>,
}

/// Sorts of sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketSort {
    /// A Unix socket that carries a stream.
    UnixStream,
    /// A Unix socket that carries messages to a peer.
    UnixMessages,
    /// A Unix socket that carries messages from anybody.
    UnixDatagram,
    /// A TCP connection.
    Tcp,
}

/// Where a socket is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// A path, and the file that is there.
    Path(String, Option<FileId>),
    /// A name that is no path.
    Abstract(String),
    /// A port of a machine.
    Internet(SocketAddr),
}

impl Snapshot {
    /// Whether a process comes of another one, which is alive, or is it.
    pub fn is_below(&self, process: i32, ancestor: i32) -> bool {
        process == ancestor || self.ancestors(process).any(|one| one.parent == ancestor)
    }

    /// A process, its parent, and so on. They are read one after the other: those of processes that end meanwhile may even
    /// form a circle.
    pub(super) fn ancestors(&self, process: i32) -> impl Iterator<Item = &Process> {
        let parent = |process: &&Process| self.processes.get(&process.parent);
        std::iter::successors(self.processes.get(&process), parent).take(self.processes.len())
    }

    /// Processes whose descriptors can't be read, in a clause.
    pub(super) fn told_closed(&self, closed: &[i32]) -> String {
        const NAMED_MAX: usize = 3;
        let name = |id: &i32| match self.processes.get(id) {
            Some(found) => format!("{} ({id})", found.name),
            None => format!("process {id}"),
        };
        let named = closed.iter().take(NAMED_MAX).map(name).collect::<Vec<_>>().join(", ");
        let more = match closed.len() {
            ..=NAMED_MAX => String::new(),
            all => format!(" and {} more", all - NAMED_MAX),
        };
        format!("the descriptors of {named}{more} can't be read by this user")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Path(path, _) => f.write_str(path),
            Address::Abstract(name) => write!(f, "@{name}"),
            Address::Internet(address) => write!(f, "{address}"),
        }
    }
}
