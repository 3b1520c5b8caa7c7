//! The counter discipline: a number of 64 bits that writes add to and reads take from (`eventfd(2)`).
//!
//! Only the number is here; when a call may add, take, wait or fail is stated in [`crate::rules`].

use crate::kind::Takes;

/// A counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Counter {
    /// What it has come to.
    pub value: u64,
    /// What a read takes.
    pub takes: Takes,
}

impl Counter {
    /// The most that it may come to by writes.
    pub const MOST: u64 = u64::MAX - 1;

    /// A counter of 0.
    pub fn new(takes: Takes) -> Counter {
        Counter { value: 0, takes }
    }

    /// Whether so much more fits.
    pub fn has_room_for(&self, more: u64) -> bool {
        Counter::MOST - self.value >= more
    }

    /// What a read would take now; 0 where there is nothing.
    pub fn next(&self) -> u64 {
        match self.takes {
            Takes::All => self.value,
            Takes::One => self.value.min(1),
        }
    }
}
