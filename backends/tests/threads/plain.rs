//! A plain place beside a channel: who may enter it is told by the channel alone, and the checker fails
//! where two are in it, or where one comes without what the other released.
#![expect(unsafe_code, reason = "a place that a channel guards")]

use super::UnsafeCell;

/// A number without a lock.
pub(crate) struct Plain(UnsafeCell<u64>);

// SAFETY: the checker fails if two accesses are not ordered.
unsafe impl Sync for Plain {}
// SAFETY: a plain number.
unsafe impl Send for Plain {}

impl Plain {
    pub(crate) fn new() -> Plain {
        Plain(UnsafeCell::new(0))
    }

    pub(crate) fn put(&self, value: u64) {
        // SAFETY: the pointer is valid, and the checker fails if somebody else is in the cell.
        self.0.with_mut(|place| unsafe { *place = value });
    }

    pub(crate) fn get(&self) -> u64 {
        // SAFETY: as above.
        self.0.with_mut(|place| unsafe { *place })
    }
}
