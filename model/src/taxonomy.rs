//! The vocabulary of the map of communication: how far a channel reaches, which way it carries, how
//! its receiver learns of data.
//!
//! These are claims that a channel makes. What the rules give is decided elsewhere.

use std::fmt;

/// How far a channel reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// Threads that share one address space.
    Threads,
    /// Processes of one machine that inherit the channel, or are handed it.
    RelatedProcesses,
    /// Processes of one machine that share nothing but a name.
    UnrelatedProcesses,
    /// Machines on a network.
    Machines,
}

/// Which way a channel carries data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// One way only.
    Simplex,
    /// Both ways, but one way at a time.
    HalfDuplex,
    /// Both ways at the same time.
    Duplex,
}

/// How a receiver learns that data has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Waiting {
    /// The receiver waits by itself until data comes.
    Waits,
    /// Nothing waits: the receiver must look again and again (busy-wait).
    BusyWaits,
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Reach::Threads => "threads",
            Reach::RelatedProcesses => "related processes",
            Reach::UnrelatedProcesses => "unrelated processes",
            Reach::Machines => "machines",
        })
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Direction::Simplex => "simplex",
            Direction::HalfDuplex => "half-duplex",
            Direction::Duplex => "duplex",
        })
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Waiting::Waits => "waits",
            Waiting::BusyWaits => "busy-waits",
        })
    }
}
