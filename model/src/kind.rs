//! The kinds of channel that the specification knows: what each claims, and what it starts with.
//!
//! A kind is not a channel of some system: a kernel's pipe, a sandbox's and a library's are all of
//! the kind `pipe`. One line a kind in [`KINDS`].

use crate::taxonomy::{Direction, Reach, Waiting};

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
}

/// Where ends come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ends {
    /// Made together with the channel and handed on: all who hold the read end share one open file
    /// description, all who hold the write end another.
    Shared,
    /// Opened by path: every holder has an open file description of its own.
    Opened,
}

/// The unnamed pipe.
pub const PIPE: Kind = Kind {
    name: "pipe",
    says: "The unnamed pipe of pipe(2), reached by inheriting or being handed its ends.",
    reach: Reach::RelatedProcesses,
    direction: Direction::Simplex,
    waiting: Waiting::Waits,
    ends: Ends::Shared,
};

/// The named pipe.
pub const FIFO: Kind = Kind {
    name: "fifo",
    says: "The named pipe of mkfifo(3), reached by opening its path.",
    reach: Reach::UnrelatedProcesses,
    direction: Direction::Simplex,
    waiting: Waiting::Waits,
    ends: Ends::Opened,
};

/// All kinds.
pub const KINDS: &[&Kind] = &[&PIPE, &FIFO];

/// The kind called `name`.
pub fn named(name: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.name == name)
}
