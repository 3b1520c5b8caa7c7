//! The ring discipline: bytes in order from one producer to one consumer, in memory that both see, of a
//! fixed capacity.
//!
//! Only the bytes are here, and how much of what one side has done may not have reached the other. When a
//! call may transfer, wait or fail is stated in [`crate::rules`].

use crate::data::{Segment, Segments, push_segment};
use crate::run::Setup;
use crate::taxonomy::Waiting;

/// A ring.
#[derive(Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Ring {
    /// Names of the bytes, oldest first.
    pub segments: Segments,
    /// How many bytes it holds at most.
    pub capacity_bytes: u32,
    /// Whether its ends wait.
    pub waits: bool,
    /// Bytes, the newest of all, of which the consumer may not know yet.
    pub unseen_bytes: u32,
    /// Bytes of room of which the producer may not know yet.
    pub unseen_room: u32,
    /// Whether the consumer may not know yet that the producer has closed.
    pub unseen_end: bool,
    /// Whether the producer may not know yet that the consumer has closed.
    pub unseen_break: bool,
}

/// By copying whole memory: the oracle clones worlds all the time.
impl Clone for Ring {
    fn clone(&self) -> Ring {
        Ring { segments: Segments::from_slice(&self.segments), ..*self }
    }
}

impl Ring {
    /// An empty ring.
    pub fn new(setup: &Setup) -> Ring {
        Ring {
            segments: Segments::new(),
            capacity_bytes: setup.capacity_bytes,
            waits: setup.kind.waiting == Waiting::Waits,
            unseen_bytes: 0,
            unseen_room: 0,
            unseen_end: false,
            unseen_break: false,
        }
    }

    /// Bytes to be read.
    pub fn len(&self) -> u32 {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    /// Whether there is nothing to be read.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Bytes for which there is room.
    pub fn room(&self) -> u32 {
        self.capacity_bytes - self.len()
    }

    /// Appends bytes. `at_once`: the consumer knows of them already.
    pub fn append(&mut self, bytes: Segment, at_once: bool) {
        push_segment(&mut self.segments, bytes);
        if !at_once {
            self.unseen_bytes += bytes.len;
        }
        // Who has put so many bytes in knew of room for them; what is left may be unknown.
        self.unseen_room = self.unseen_room.min(self.room());
    }

    /// Takes the first `count` bytes. `at_once`: the producer knows of the room already.
    pub fn take(&mut self, count: u32, at_once: bool) -> Segments {
        let mut taken = Segments::new();
        let mut left = count;
        while let Some(first) = self.segments.first_mut().filter(|_| left > 0) {
            let now = first.len.min(left);
            taken.push(first.part(0, now));
            *first = first.part(now, first.len);
            left -= now;
            if first.len == 0 {
                self.segments.remove(0);
            }
        }
        if !at_once {
            self.unseen_room += count;
        }
        self.unseen_bytes = self.unseen_bytes.min(self.len());
        taken
    }

    /// The producer closes. `at_once`: the consumer knows already, or there is none.
    pub fn end(&mut self, at_once: bool) {
        self.unseen_end = !at_once;
        self.unseen_room = 0;
        self.unseen_break = false;
    }

    /// The consumer closes. `at_once`: the producer knows already, or there is none.
    pub fn break_(&mut self, at_once: bool) {
        self.unseen_break = !at_once;
        self.unseen_bytes = 0;
        self.unseen_end = false;
    }

    /// Whether something that one side has done may not have reached the other.
    pub fn is_under_way(&self) -> bool {
        self.unseen_bytes > 0 || self.unseen_room > 0 || self.unseen_end || self.unseen_break
    }

    /// All that either side has done has reached the other.
    pub fn deliver(&mut self) {
        self.unseen_bytes = 0;
        self.unseen_room = 0;
        self.unseen_end = false;
        self.unseen_break = false;
    }
}
