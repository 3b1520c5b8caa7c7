//! Sleep on a word over the primitives of a checker: what `memory/futex.rs` is over those of the kernel.
//!
//! As in the kernel, looking at the word and falling asleep is one step with respect to waking: both
//! checkers switch threads at their own primitives only, and there is none between the look and `park`.
//! The look is an exchange of nothing, since the kernel's sees the newest value.
//!
//! A futex promises no order, and the channels need none. Here there is some: over loom who is woken by
//! `unpark` sees all that its waker has done. What is missing in a channel and made up by that shows in
//! the other interleavings, in which the wait finds the word changed, or returns for no reason.

use std::sync::{Arc, Mutex};

use super::sync::{AtomicU32, Ordering, Thread, current, park, returns_for_no_reason};
use super::waiting::Waiter;

/// Who sleeps, by the address of the word. A clone wakes those who sleep by another.
#[derive(Clone, Default)]
pub(crate) struct Sleeper(Arc<Mutex<Vec<(usize, Thread)>>>);

impl Waiter for Sleeper {
    fn wait(&self, word: &AtomicU32, value: u32) {
        if returns_for_no_reason() || word.fetch_or(0, Ordering::Relaxed) != value {
            return;
        }
        let me = (address(word), current());
        self.0.lock().expect("no panic in here").push(me);
        park();
    }

    fn wake(&self, word: &AtomicU32) {
        let woken = {
            let mut sleepers = self.0.lock().expect("no panic in here");
            let at = sleepers.iter().position(|(of, _)| *of == address(word));
            at.map(|at| sleepers.swap_remove(at).1)
        };
        if let Some(thread) = woken {
            thread.unpark();
        }
    }
}

fn address(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word).addr()
}
