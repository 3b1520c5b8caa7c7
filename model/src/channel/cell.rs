//! The cell discipline: a variable of a fixed size, written and read whole. The last value wins, and
//! reading takes nothing away.
//!
//! Only the values are here: which of them somebody may still be given, and how far each actor is behind.
//! When a read is answered, waits or ends is stated in [`crate::rules`].

use crate::call::{ACTORS_MAX, Actor};
use crate::data::{Segment, Segments};
use crate::run::Setup;
use crate::taxonomy::Waiting;

/// A variable.
#[derive(Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Cell {
    /// The values that somebody may still be given, oldest first, each one segment; the last is the newest.
    /// Behind a lock there is only the newest.
    pub values: Segments,
    /// For each actor how many stores have not reached it; behind a lock 1 if it has not seen the newest.
    pub behind: [u16; ACTORS_MAX],
    /// Size of a value, in bytes.
    pub value_bytes: u32,
    /// Whether it lies behind a lock, with a condition variable.
    pub guarded: bool,
}

/// By copying whole memory: the oracle clones worlds all the time.
impl Clone for Cell {
    fn clone(&self) -> Cell {
        Cell { values: Segments::from_slice(&self.values), ..*self }
    }
}

impl Cell {
    /// A variable of zeros, which count as seen.
    pub fn new(setup: &Setup) -> Cell {
        let zeros = Segment::zero(setup.capacity_bytes);
        Cell {
            values: Segments::from_slice(&[zeros]),
            behind: [0; ACTORS_MAX],
            value_bytes: setup.capacity_bytes,
            guarded: setup.kind.waiting == Waiting::Waits,
        }
    }

    /// Whether a store has not reached this actor; behind a lock, whether it has not seen the newest value.
    pub fn is_behind(&self, actor: Actor) -> bool {
        self.behind[usize::from(actor.0)] > 0
    }

    /// The newest value that has reached this actor.
    pub fn value(&self, actor: Actor) -> Segment {
        let behind = if self.guarded { 0 } else { usize::from(self.behind[usize::from(actor.0)]) };
        self.values[self.values.len() - 1 - behind]
    }

    /// Replaces the value. `readers` have yet to see it.
    pub fn store(&mut self, value: Segment, readers: impl Iterator<Item = Actor>) {
        self.values.push(value);
        for reader in readers {
            let behind = &mut self.behind[usize::from(reader.0)];
            *behind = if self.guarded { 1 } else { behind.saturating_add(1) };
        }
        self.forget_seen();
    }

    /// The oldest store that has not reached this actor does so.
    pub fn arrive(&mut self, actor: Actor) {
        let behind = &mut self.behind[usize::from(actor.0)];
        *behind = behind.saturating_sub(1);
        self.forget_seen();
    }

    /// All stores have reached this actor, or it can't look any more.
    pub fn catch_up(&mut self, actor: Actor) {
        self.behind[usize::from(actor.0)] = 0;
        self.forget_seen();
    }

    /// All stores have reached everybody.
    pub fn deliver(&mut self) {
        self.behind = [0; ACTORS_MAX];
        self.forget_seen();
    }

    /// Whether some store has not reached everybody.
    pub fn is_under_way(&self) -> bool {
        self.values.len() > 1
    }

    /// Bytes of values other than the newest.
    pub fn old_bytes(&self) -> u32 {
        (self.values.len() as u32 - 1) * self.value_bytes
    }

    /// Drops the values that nobody can be given any more.
    fn forget_seen(&mut self) {
        let most = self.behind.iter().copied().max().unwrap_or(0);
        let kept = if self.guarded { 1 } else { 1 + usize::from(most) };
        let seen = self.values.len().saturating_sub(kept);
        self.values.drain(..seen);
    }
}
