//! Waiting by futex, the system call: works between threads and between processes alike.
//!
//! It is about the real machine: over the primitives of a checker, another [`Waiter`] takes its place.

use std::sync::atomic::AtomicU32;

use rustix::thread::futex;

use super::waiting::Waiter;

/// Sleeps in the kernel. The word may lie in memory that processes share: the flag `PRIVATE`, which
/// makes the kernel look no further than this process, is not set.
///
/// ```
/// use std::sync::atomic::AtomicU32;
/// use pipewright_backends::memory::{futex::Futex, waiting::Waiter};
///
/// let word = AtomicU32::new(0);
/// Futex.wait(&word, 1); // the word is not 1: returns at once
/// Futex.wake(&word); // nobody is woken
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Futex;

impl Waiter for Futex {
    fn wait(&self, word: &AtomicU32, value: u32) {
        // Whatever the reason for its return (another value, a signal), the caller looks again.
        let _ = futex::wait(word, futex::Flags::empty(), value, None);
    }

    fn wake(&self, word: &AtomicU32) {
        // Fails only for memory that no futex can lie in, where nobody sleeps either.
        let _ = futex::wake(word, futex::Flags::empty(), 1);
    }
}
