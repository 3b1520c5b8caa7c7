//! What the channels in memory are made of, over shuttle: the names of `memory/sync.rs`.
//!
//! Shuttle runs everything as if it were sequentially consistent, and knows nothing of plain memory: cells
//! here find out themselves whether two threads are in one at a time, and let others run meanwhile.
#![expect(unsafe_code, reason = "copies to and from cells")]

use std::cell::UnsafeCell as StdUnsafeCell;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use shuttle as checker;

pub(crate) use std::sync::{Arc, PoisonError};

pub(crate) use shuttle::hint::spin_loop;
pub(crate) use shuttle::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
pub(crate) use shuttle::thread::{Thread, current, park, spawn, yield_now};

#[path = "locks.rs"]
mod locks;
pub(crate) use locks::{Condvar, Mutex, MutexGuard, returns_for_no_reason, wake_for_no_reason};
#[path = "plain.rs"]
mod plain;
pub(crate) use plain::Plain;

/// A cell that fails when one writes and another is in it.
#[derive(Debug)]
pub(crate) struct UnsafeCell<T> {
    value: StdUnsafeCell<T>,
    /// How many read; `WRITES` for one who writes.
    inside: AtomicUsize,
}

const WRITES: usize = usize::MAX;

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell { value: StdUnsafeCell::new(value), inside: AtomicUsize::new(0) }
    }

    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        self.enter_to_write();
        others_run();
        let result = write(self.value.get());
        self.inside.store(0, Relaxed);
        result
    }

    fn enter_to_write(&self) {
        assert_eq!(self.inside.swap(WRITES, Relaxed), 0, "two meet in one cell");
    }

    fn enter_to_read(&self) {
        assert_ne!(self.inside.fetch_add(1, Relaxed), WRITES, "two meet in one cell");
    }
}

/// A place where a thread may be interrupted.
fn others_run() {
    AtomicU32::new(0).load(Ordering::SeqCst);
}

/// Cells of bytes.
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
/// Nobody else reads or writes these cells meanwhile; it fails if somebody does.
pub(crate) unsafe fn copy_in(cells: &[UnsafeCell<u8>], bytes: &[u8]) {
    assert_eq!(cells.len(), bytes.len());
    cells.iter().for_each(UnsafeCell::enter_to_write);
    others_run();
    for (cell, byte) in cells.iter().zip(bytes) {
        // SAFETY: the pointer is valid, and nobody else is in the cell.
        unsafe { *cell.value.get() = *byte };
        cell.inside.store(0, Relaxed);
    }
}

/// # Safety
///
/// Nobody writes to these cells meanwhile; it fails if somebody does.
pub(crate) unsafe fn copy_out(cells: &[UnsafeCell<u8>], bytes: &mut [u8]) {
    assert_eq!(cells.len(), bytes.len());
    cells.iter().for_each(UnsafeCell::enter_to_read);
    others_run();
    for (cell, byte) in cells.iter().zip(bytes) {
        // SAFETY: the pointer is valid, and nobody writes to the cell.
        *byte = unsafe { *cell.value.get() };
        cell.inside.fetch_sub(1, Relaxed);
    }
}
