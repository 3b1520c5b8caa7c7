//! How much a judgement may cost: what bounds a run whose worlds are large, or many.
//!
//! It is counted in bytes of worlds, not in time, so that a verdict is the same on every machine.

use std::cell::Cell;

/// The most memory that the states of one search take, in bytes.
pub(super) const STATES_MAX_BYTES: usize = 192 << 20;

/// What a judgement may copy and look through whatever the length of its run, in bytes of worlds.
const WORK_BYTES: u64 = 4 << 30;

/// And for each event.
const WORK_OF_EVENT_BYTES: u64 = 1 << 20;

/// What is left to spend of the work of a judgement.
#[derive(Debug)]
pub(super) struct Budget(Cell<u64>);

impl Budget {
    /// That of a run of so many events.
    pub(super) fn of_run(events: usize) -> Budget {
        let more = WORK_OF_EVENT_BYTES.saturating_mul(events as u64);
        Budget(Cell::new(WORK_BYTES.saturating_add(more)))
    }

    /// Spends some of it.
    pub(super) fn spend(&self, bytes: usize) {
        self.0.set(self.0.get().saturating_sub(bytes as u64));
    }

    /// Whether nothing is left.
    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}
