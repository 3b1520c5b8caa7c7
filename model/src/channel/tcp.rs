//! A TCP socket: how far it has got in life, what is on its way to it, what has arrived, what was shut.
//!
//! Each end holds the direction that comes in. `arrived` is a lower bound: of the bytes sent, so many
//! have arrived for sure; of the others any may have. What happens to them is in
//! [`crate::rules::tcp`], how it gets connected in [`crate::rules::connection`].

use smallvec::SmallVec;

use crate::call::Errno;
use crate::data::{Segment, Segments, push_segment};
use crate::index::ObjectIndex;

/// No object: the other end is gone.
pub const NOBODY: ObjectIndex = ObjectIndex::MAX;

/// How far the peer's end of data has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Finish {
    /// The peer goes on sending.
    None,
    /// Sent, behind all data.
    Sent,
    /// Arrived, and all data before it.
    Arrived,
}

/// What a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Phase {
    /// Neither connected nor listening, nor about to be.
    Unconnected,
    /// Listening: so many connections may wait to be accepted, besides one.
    Listening(u16),
    /// Asking for a connection.
    Asking(Request),
    /// Connected, be it one way only.
    Connected,
    /// Both ways have ended, it was reset, or its request was refused.
    Closed,
}

/// What has become of a request for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Request {
    /// It is on its way.
    UnderWay,
    /// It came where no more connections may wait, and was dropped; the system asks again by and by.
    Dropped,
}

/// What callers of connect have been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Told {
    /// Nothing: it was not called, or failed.
    Nothing,
    /// The request is under way.
    UnderWay,
    /// The socket is connected, now or once.
    Connected,
    /// Under way, but the socket was shut down since its request was refused.
    ShutDown,
}

/// Whether somebody has found no room to send, so that room is told once there is some (`SOCK_NOSPACE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum FoundFull {
    /// Nobody has.
    No,
    /// Somebody has looked while there was perhaps none.
    Perhaps,
    /// Somebody has.
    Surely,
}

/// A TCP socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Tcp {
    /// What it is.
    pub phase: Phase,
    /// What callers of connect have been told.
    pub told: Told,
    /// Whether it is bound to the channel's address.
    pub named: bool,
    /// Of a socket that listens: connections that wait to be accepted, oldest first.
    pub pending: SmallVec<[ObjectIndex; 2]>,
    /// The socket at the other end; [`NOBODY`] where nothing goes back and forth any more.
    pub peer: ObjectIndex,
    /// Names of the bytes that were sent to it and not read.
    pub segments: Segments,
    /// How many of them have arrived for sure.
    pub arrived: u32,
    /// At most so many of them can have arrived: those sent before it was shut both ways, as it takes no
    /// more from then on; [`u32::MAX`] where it takes all.
    pub reach: u32,
    /// Whether more was sent to it than it surely has room for, and not all was read since: what is on its
    /// way may stay so.
    pub stalled: bool,
    /// The peer's end of data.
    pub finish: Finish,
    /// Whether a reset is on its way to it.
    pub reset: bool,
    /// Whether it was shut for reading.
    pub shut_read: bool,
    /// Whether it was shut for writing: its end of data was sent.
    pub shut_write: bool,
    /// The error that waits to be told.
    pub error: Option<Errno>,
    /// Whether closing it resets the connection.
    pub linger_zero: bool,
    /// How long a receive waits, in microseconds: 0 for ever; negative not at all.
    pub timeout_us: i64,
    /// Whether a description refers to it, or it waits to be accepted.
    pub held: bool,
    /// Whether somebody has found no room to send; kept where there are epolls.
    pub found_full: FoundFull,
    /// Whether it has been told that its end of data has arrived; kept where an epoll watches it.
    pub end_known: bool,
    /// Whether those that watch it are perhaps woken once more for what has become of it.
    pub wakes_again: bool,
}

impl Tcp {
    /// A socket as `socket(2)` makes it.
    pub fn new() -> Tcp {
        Tcp {
            phase: Phase::Unconnected,
            told: Told::Nothing,
            named: false,
            pending: SmallVec::new(),
            peer: NOBODY,
            segments: Segments::new(),
            arrived: 0,
            reach: u32::MAX,
            stalled: false,
            finish: Finish::None,
            reset: false,
            shut_read: false,
            shut_write: false,
            error: None,
            linger_zero: false,
            timeout_us: 0,
            held: true,
            found_full: FoundFull::No,
            end_known: false,
            wakes_again: false,
        }
    }

    /// An end of a connection to the socket `peer`.
    pub fn connected(peer: ObjectIndex) -> Tcp {
        Tcp { phase: Phase::Connected, told: Told::Connected, peer, ..Tcp::new() }
    }

    /// Whether it listens.
    pub fn listens(&self) -> bool {
        matches!(self.phase, Phase::Listening(_))
    }

    /// Whether it is asking for a connection.
    pub fn asks(&self) -> bool {
        matches!(self.phase, Phase::Asking(_))
    }

    /// Whether one more connection may wait to be accepted.
    pub fn has_room(&self) -> bool {
        matches!(self.phase, Phase::Listening(backlog) if self.pending.len() <= usize::from(backlog))
    }

    /// Bytes that were sent to it and not read.
    pub fn len(&self) -> u32 {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    /// How many bytes a read could find: all that may have arrived.
    pub fn readable(&self) -> u32 {
        self.len().min(self.reach)
    }

    /// Whether all that was sent to it was read.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether nothing more is to be received.
    pub fn receives_no_more(&self) -> bool {
        self.shut_read || self.finish == Finish::Arrived || self.phase == Phase::Closed
    }

    /// Whether who reads is told that it is not connected.
    pub fn is_unreadable(&self) -> bool {
        let fresh = self.phase == Phase::Unconnected && self.error.is_none() && !self.shut_read;
        fresh || self.listens()
    }

    /// Whether nothing can be sent.
    pub fn sends_no_more(&self) -> bool {
        self.shut_write || self.phase == Phase::Closed
    }

    /// Whether bytes that arrive are answered with a reset: nobody will read them.
    pub fn refuses_data(&self) -> bool {
        self.shut_read && self.shut_write && self.finish != Finish::Arrived
    }

    /// Whether nothing tells the peer of room: a socket that was shut for reading doesn't.
    pub fn is_stuck(&self) -> bool {
        self.stalled && self.shut_read
    }

    /// The names of its first bytes.
    pub fn first(&self, count: u32) -> Segments {
        let mut rest = count;
        let mut first = Segments::new();
        for segment in &self.segments {
            let len = segment.len.min(rest);
            push_segment(&mut first, segment.part(0, len));
            rest -= len;
        }
        first
    }

    /// Removes its first bytes.
    pub fn drop_first(&mut self, count: u32) {
        let mut rest = count;
        let mut left = Segments::new();
        for segment in &self.segments {
            let gone = segment.len.min(rest);
            push_segment(&mut left, segment.part(gone, segment.len));
            rest -= gone;
        }
        self.segments = left;
        self.arrived = self.arrived.saturating_sub(count);
        if self.reach < u32::MAX {
            self.reach = self.reach.saturating_sub(count);
        }
    }

    /// Adds a byte string on its way to it.
    pub fn push(&mut self, segment: Segment) {
        push_segment(&mut self.segments, segment);
    }
}

impl Default for Tcp {
    fn default() -> Tcp {
        Tcp::new()
    }
}
