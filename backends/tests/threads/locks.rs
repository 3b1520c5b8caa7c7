//! Locks and condition variables over those of a checker, which may wake for no reason.
//!
//! No checker wakes who waits for no reason, and so would not see that somebody does not look again. These
//! do so as often as a scenario asks for ([`wake_for_no_reason`]).

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError};

use super::checker;

thread_local! {
    static FOR_NO_REASON: Cell<u32> = const { Cell::new(0) };
}

/// The next so many waits return for no reason.
pub(crate) fn wake_for_no_reason(times: u32) {
    FOR_NO_REASON.set(times);
}

/// Whether a wait that begins now returns for no reason.
pub(crate) fn returns_for_no_reason() -> bool {
    let left = FOR_NO_REASON.get();
    FOR_NO_REASON.set(left.saturating_sub(1));
    left > 0
}

/// A lock whose guard knows it, so that it can be taken again.
#[derive(Debug)]
pub(crate) struct Mutex<T>(checker::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Mutex<T> {
        Mutex(checker::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(MutexGuard { lock: self, guard })
    }
}

/// What holds a lock.
#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T> {
    lock: &'a Mutex<T>,
    guard: checker::sync::MutexGuard<'a, T>,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// A condition variable that may wake for no reason.
#[derive(Debug)]
pub(crate) struct Condvar(checker::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Condvar {
        Condvar(checker::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let MutexGuard { lock, guard } = guard;
        if returns_for_no_reason() {
            drop(guard);
            return lock.lock();
        }
        let guard = self.0.wait(guard).unwrap_or_else(PoisonError::into_inner);
        Ok(MutexGuard { lock, guard })
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}
