//! What a kind of channel is, and what can be asked of it.
//!
//! A kind is not a channel of some system: a kernel's pipe, a sandbox's and a library's are all of
//! the kind `pipe`. The kinds that the specification knows are in `kind/known.rs`, a line each in [`KINDS`].

mod known;

use crate::call::{Lock, Mode, Op, SendFlags};
use crate::taxonomy::{Direction, Reach, Waiting};

pub use known::*;

/// The capacity of pipes in models, in bytes: two pages of two bytes, so that all states can be visited. The runs that
/// models show have it; no real pipe does.
pub const MODEL_CAPACITY_BYTES: u32 = 2 * MODEL_PAGE_BYTES;

/// The size of their pages, and `PIPE_BUF`, in bytes.
pub const MODEL_PAGE_BYTES: u32 = 2;

/// Bytes of the longest message of a queue (`mq_msgsize`). A queue takes as many messages as its capacity
/// has room for (`mq_maxmsg`).
pub const MESSAGE_BYTES: u32 = 64;

/// The largest capacity of a pipe that is followed, in bytes.
const STREAM_CAPACITY_MAX_BYTES: u32 = 1 << 30;

/// A kind of channel.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind {
    /// Its name in runs: lower case, words joined by `-`.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub says: &'static str,
    /// How far it reaches.
    pub reach: Reach,
    /// Which way it carries data, from one actor to another.
    pub direction: Direction,
    /// How the receiver learns of data.
    pub waiting: Waiting,
    /// How the ends that actors hold at the start of a run relate to open file descriptions.
    pub ends: Ends,
    /// What it is made of.
    pub discipline: Discipline,
    /// How many sides it has: 1, or 2 where each side's ends lead to the other's.
    pub sides: u8,
    /// The ends that can be held at the start of a run; of two sides those of the first come first.
    pub held: &'static [Hold],
    /// Capacity unless a run says otherwise, in bytes; 0 where there is none to be set.
    pub capacity_default_bytes: u32,
    /// The chapters of rules that speak of it.
    pub chapters: &'static [&'static str],
}

/// What a channel is made of: each has a file of state in [`crate::channel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Discipline {
    /// Streams: bytes in order, each read once. One for each side.
    Stream,
    /// A queue: whole messages in order, each received once.
    Queue,
    /// Bytes at offsets, which reading leaves where they are.
    File,
    /// A variable of a fixed size, written and read whole; the last value wins.
    Cell,
    /// A counter of 64 bits.
    Counter(Takes),
    /// A bounded ring of bytes from one producer to one consumer.
    Ring,
    /// Unix sockets of a type. One for each side.
    Unix(SocketType, Naming),
    /// TCP: two sockets connected over a network, one for each side.
    Tcp,
}

impl Discipline {
    /// How many [numbers](Discipline::number) there are.
    pub const NUMBERS: usize = 10;

    /// Its number, below [`NUMBERS`](Discipline::NUMBERS). Where sockets have their names makes no difference: the same
    /// chapters speak of them.
    pub const fn number(self) -> usize {
        match self {
            Discipline::Stream => 0,
            Discipline::Queue => 1,
            Discipline::File => 2,
            Discipline::Cell => 3,
            Discipline::Ring => 4,
            Discipline::Tcp => 5,
            Discipline::Unix(SocketType::Stream, _) => 6,
            Discipline::Unix(SocketType::Seqpacket, _) => 7,
            Discipline::Unix(SocketType::Datagram, _) => 8,
            Discipline::Counter(_) => 9,
        }
    }
}

/// What a read takes off a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Takes {
    /// All that is there.
    All,
    /// One: the counter is a semaphore.
    One,
}

/// The type of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum SocketType {
    /// `SOCK_STREAM`: bytes in order.
    Stream,
    /// `SOCK_SEQPACKET`: messages in order, between two that are connected.
    Seqpacket,
    /// `SOCK_DGRAM`: messages to whom one likes.
    Datagram,
}

/// Where Unix sockets have their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Naming {
    /// In the file system.
    Path,
    /// Nowhere: the name is gone with the socket.
    Abstract,
}

/// What an end is for, and on which side of the channel: what the letters of its name in runs tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hold {
    /// Access mode.
    pub mode: Mode,
    /// Side.
    pub side: Side,
}

/// A side of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The channel has one side only.
    Only,
    /// The first of two.
    A,
    /// The second of two.
    B,
    /// None yet: a socket that was made by a call.
    Open,
    /// None: an epoll, which watches others.
    Watch,
}

impl Hold {
    /// An end open for reading, of a channel with one side.
    pub const READ: Hold = Hold::of(Mode::Read);
    /// An end open for writing, of a channel with one side.
    pub const WRITE: Hold = Hold::of(Mode::Write);
    /// An end open for both, of a channel with one side.
    pub const BOTH: Hold = Hold::of(Mode::ReadWrite);
    /// A socket that was made by a call.
    pub const SOCKET: Hold = Hold { mode: Mode::ReadWrite, side: Side::Open };

    /// An epoll.
    pub const EPOLL: Hold = Hold { mode: Mode::ReadWrite, side: Side::Watch };

    /// All that an end may be for, by the letters of its name, in alphabetical order.
    pub const NAMED: [(&'static str, Hold); 11] = [
        ("e", Hold::EPOLL),
        ("r", Hold::READ),
        ("ra", Hold { mode: Mode::Read, side: Side::A }),
        ("rb", Hold { mode: Mode::Read, side: Side::B }),
        ("rw", Hold::BOTH),
        ("s", Hold::SOCKET),
        ("sa", Hold { mode: Mode::ReadWrite, side: Side::A }),
        ("sb", Hold { mode: Mode::ReadWrite, side: Side::B }),
        ("w", Hold::WRITE),
        ("wa", Hold { mode: Mode::Write, side: Side::A }),
        ("wb", Hold { mode: Mode::Write, side: Side::B }),
    ];

    /// An end of a channel with one side.
    pub const fn of(mode: Mode) -> Hold {
        Hold { mode, side: Side::Only }
    }

    /// The letters of its name; `?` for what no end is for.
    pub fn letters(self) -> &'static str {
        Hold::NAMED.iter().find(|(_, hold)| *hold == self).map_or("?", |(letters, _)| letters)
    }

    /// What an end with these letters is for.
    pub fn named(letters: &str) -> Option<Hold> {
        Hold::NAMED.iter().find(|(named, _)| *named == letters).map(|(_, hold)| *hold)
    }
}

/// Where ends come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ends {
    /// Made together with the channel and handed on: all who hold the read end share one open file
    /// description, all who hold the write end another.
    Shared,
    /// Opened by path: every holder has an open file description of its own.
    Opened,
    /// Made together with the channel, one for each holder: nobody shares an end, and none can be got
    /// later.
    Own,
    /// Two ends connected to each other, each of one open file description that its holders share; more
    /// are made by socket(2) and connected by name.
    Connected,
}

impl Kind {
    /// The call by which who keeps to it gets the turn to talk, or gives it back; `None` where there are no
    /// turns.
    pub fn talk_button(&self, lock: Lock, wait: bool) -> Option<Op> {
        match self.chapters.contains(&"lock") {
            true if self == &FLOCKED_FILE => Some(Op::Flock { lock, wait }),
            true => Some(Op::Lock { lock, wait }),
            false => None,
        }
    }

    /// Whether a channel of this kind can have this capacity, on a system with pages of so many bytes.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and which it can have: lower case, no full stop.
    pub fn check_capacity(&self, bytes: u32, page_bytes: u32) -> Result<(), String> {
        let name = self.name;
        match self.discipline {
            _ if bytes == self.capacity_default_bytes => Ok(()),
            Discipline::Stream if bytes == MODEL_CAPACITY_BYTES => Ok(()),
            Discipline::Stream => {
                let pages = bytes.div_ceil(page_bytes).max(1);
                let next = u64::from(pages.next_power_of_two()) * u64::from(page_bytes);
                match next.min(STREAM_CAPACITY_MAX_BYTES.into()) {
                    next if next == u64::from(bytes) => Ok(()),
                    next => Err(format!(
                        "a {name} has a power of two of pages of {page_bytes} bytes, up to \
                         {STREAM_CAPACITY_MAX_BYTES} bytes in all: the next capacity is {next}"
                    )),
                }
            }
            Discipline::Queue if bytes > 0 && bytes.is_multiple_of(MESSAGE_BYTES) => Ok(()),
            Discipline::Queue => Err(format!(
                "a {name} takes whole messages of {MESSAGE_BYTES} bytes: \
                 for ten messages the capacity is {}",
                10 * MESSAGE_BYTES
            )),
            Discipline::Cell | Discipline::Ring if bytes > 0 => Ok(()),
            Discipline::Cell | Discipline::Ring => Err(format!("a {name} has at least one byte")),
            Discipline::File | Discipline::Counter(_) | Discipline::Unix(..) | Discipline::Tcp => {
                Err(format!("a {name} has no capacity to be set"))
            }
        }
    }

    /// Whether a channel of this kind can be set up so, in a word of the `channel` line: `packet`, `nonblocking`,
    /// `append` or `crowded`.
    ///
    /// # Errors
    ///
    /// Why that would change nothing: lower case, no full stop.
    pub fn check_option(&self, option: &str) -> Result<(), String> {
        let name = self.name;
        let why = match option {
            "packet" if self.discipline != Discipline::Stream => "is no pipe",
            "packet" if self.ends == Ends::Opened => {
                "is opened by path, which is refused with O_DIRECT"
            }
            "append" if self.discipline != Discipline::File => "is no file",
            "crowded" if self.discipline != Discipline::Stream => "has no pages of pipes",
            "nonblocking" if !self.has_descriptors() => "has no descriptors",
            "nonblocking" if self.discipline == Discipline::File => "never waits for data or room",
            _ => return Ok(()),
        };
        Err(format!("\"{option}\" changes nothing here: a {name} {why}"))
    }

    /// Whether an end of this mode has one holder at most.
    pub fn is_sole(&self, mode: Mode) -> bool {
        match self.discipline {
            Discipline::Cell => self.waiting == Waiting::BusyWaits && mode.writes(),
            Discipline::Ring => true,
            _ => false,
        }
    }

    /// Whether what one actor has done may reach another later than the call returns, by a delivery. When
    /// all is at rest it has reached everybody, so that then is worth noting in a run though no call is open.
    pub fn delivers(&self) -> bool {
        match self.discipline {
            Discipline::Cell => self.waiting == Waiting::BusyWaits,
            Discipline::Ring | Discipline::Tcp => true,
            _ => false,
        }
    }

    /// Whether the call takes bytes without giving them: then the caller's buffer tells nothing.
    pub fn discards(&self, op: &Op) -> bool {
        let asks_to = matches!(op, Op::Receive { flags, .. } if flags.contains(SendFlags::TRUNC));
        asks_to && self.discipline == Discipline::Tcp
    }

    /// What is wrong with a call by name on a channel of this kind, where it has no such name; or with one of a counter, where
    /// it is none.
    ///
    /// ```
    /// use pipewright_model::{call::Op, kind};
    ///
    /// assert_eq!(kind::PIPE.has_no_name_for("unlink"), Some("a pipe has no name to unlink".into()));
    /// assert_eq!(kind::FIFO.has_no_name_for("unlink"), None);
    /// ```
    pub fn has_no_name_for(&self, word: &str) -> Option<String> {
        let name = self.name;
        let named = self.ends == Ends::Opened || matches!(self.discipline, Discipline::Unix(..));
        match word {
            "open" | "unlink" if !named => Some(format!("a {name} has no name to {word}")),
            "add" | "take" if !matches!(self.discipline, Discipline::Counter(_)) => {
                Some(format!("a {name} is no counter: there is no {word}"))
            }
            "epoll" if !self.has_descriptors() => {
                Some(format!("a {name} has no descriptors, which an epoll could watch"))
            }
            "socket" if self.ends != Ends::Connected => {
                Some(format!("a {name} is not made of sockets: no call makes one of it"))
            }
            _ => None,
        }
    }

    /// What helps where a call [has no name](Kind::has_no_name_for).
    pub fn help_without_name(&self, word: &str) -> String {
        if matches!(word, "add" | "take") {
            return "a kind with a counter is eventfd; elsewhere \"write\" and \"read\" move bytes"
                .into();
        }
        let ends: Vec<_> = self.held.iter().map(|hold| hold.letters()).collect();
        let ends = ends.join(", ");
        format!(
            "the ends of a {} are there from the start: \"actor a holds ...\" gives {ends}",
            self.name
        )
    }

    /// Whether its ends are descriptors of the system, or handles of a library.
    pub fn has_descriptors(&self) -> bool {
        self.ends != Ends::Own
    }
}

/// The kind called `name`.
pub fn named(name: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.name == name)
}
