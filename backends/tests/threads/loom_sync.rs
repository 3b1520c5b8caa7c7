//! What the channels in memory are made of, over loom: the names of `memory/sync.rs`.
//!
//! What to read beside it: `shuttle_sync.rs`, the same over shuttle.
#![expect(unsafe_code, reason = "copies to and from cells")]

use loom as checker;

pub(crate) use std::sync::PoisonError;

pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::hint::spin_loop;
pub(crate) use loom::sync::Arc;
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
pub(crate) use loom::thread::{Thread, current, park, spawn, yield_now};

#[path = "locks.rs"]
mod locks;
pub(crate) use locks::{Condvar, Mutex, MutexGuard, returns_for_no_reason, wake_for_no_reason};
#[path = "plain.rs"]
mod plain;
pub(crate) use plain::Plain;

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
