//! What the channels in memory are made of, over loom: the names of `memory/sync.rs`.
//!
//! Loom's condition variable never wakes for no reason, and so would not see that somebody does not look
//! again. The one here does so as often as a model asks for ([`wake_for_no_reason`]).
//!
//! What to read beside it: `shuttle_sync.rs`, the same over shuttle.
#![expect(unsafe_code, reason = "copies to and from cells")]

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::LockResult;

pub(crate) use std::sync::PoisonError;

pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::hint::spin_loop;
pub(crate) use loom::sync::Arc;
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
pub(crate) use loom::thread::{Thread, current, park, spawn, yield_now};

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
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Mutex<T> {
        Mutex(loom::sync::Mutex::new(value))
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
    guard: loom::sync::MutexGuard<'a, T>,
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
pub(crate) struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Condvar {
        Condvar(loom::sync::Condvar::new())
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

/// Cells of bytes; loom looks at each.
#[derive(Debug)]
pub(crate) struct Bytes(Box<[UnsafeCell<u8>]>);

impl Bytes {
    pub(crate) fn zeroed(len: usize) -> Bytes {
        Bytes((0..len).map(|_| UnsafeCell::new(0)).collect())
    }

    pub(crate) fn cells(&self) -> &[UnsafeCell<u8>] {
        &self.0
    }
}

/// # Safety
///
/// Nobody else reads or writes these cells meanwhile; loom finds out if somebody does.
pub(crate) unsafe fn copy_in(cells: &[UnsafeCell<u8>], bytes: &[u8]) {
    assert_eq!(cells.len(), bytes.len());
    for (cell, byte) in cells.iter().zip(bytes) {
        // SAFETY: the pointer is valid, and loom fails if another thread is in the cell.
        cell.with_mut(|place| unsafe { *place = *byte });
    }
}

/// # Safety
///
/// Nobody writes to these cells meanwhile; loom finds out if somebody does.
pub(crate) unsafe fn copy_out(cells: &[UnsafeCell<u8>], bytes: &mut [u8]) {
    assert_eq!(cells.len(), bytes.len());
    for (cell, byte) in cells.iter().zip(bytes) {
        // SAFETY: the pointer is valid, and loom fails if another thread writes to the cell.
        *byte = cell.with(|place| unsafe { *place });
    }
}
