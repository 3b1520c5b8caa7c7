//! The primitives that the channels in memory are made of, over `std`.
//!
//! The files beside this one name their primitives by `super::sync` and in no other way. Who includes them
//! by `#[path]` below a module that has another `sync` compiles the same text over the primitives of
//! a checker (loom, shuttle). Such a `sync` offers what of this one the files name: it adds no behaviour
//! of its own.
//!
//! What differs between `std` and the checkers is brought to one shape here: a cell of shared memory is
//! entered by a closure ([`UnsafeCell::with`]), so that a checker sees when an access begins and ends;
//! a run of such cells is copied at once ([`copy_in`], [`copy_out`]), so that over `std` it is one
//! `memcpy` and a checker can look at each byte; and where cells of one's own lie ([`Bytes`]) is
//! settled here.
#![expect(unsafe_code, reason = "copies between shared memory and slices")]

pub use std::hint::spin_loop;
pub use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
pub use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
pub use std::thread::yield_now;

/// Memory that changes behind shared references; whoever enters it vouches that nobody else does.
///
/// It has the layout of `T`, so that bytes of a mapping can be seen as a slice of it.
///
/// ```
/// use pipewright_backends::memory::sync::UnsafeCell;
///
/// let cell = UnsafeCell::new(1);
/// // The pointers are the caller's to use; here no other thread knows the cell.
/// assert!(cell.with(|place| !place.is_null()));
/// assert!(cell.with_mut(|place| !place.is_null()));
/// ```
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// A cell with this value.
    pub const fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    /// Enters the cell to read: nobody may write to it until `read` has returned.
    #[inline]
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Enters the cell to write: nobody else may be in it until `write` has returned.
    #[inline]
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

/// Cells in memory of this process, zero, on cache lines of their own: pieces of 64 bytes that are not so
/// placed lie on two lines each, and cost as much as two.
///
/// ```
/// use pipewright_backends::memory::sync::Bytes;
///
/// assert_eq!(Bytes::zeroed(100).cells().len(), 100);
/// ```
#[derive(Debug)]
pub struct Bytes {
    blocks: Box<[Block]>,
    len: usize,
}

#[derive(Debug)]
#[repr(C, align(128))]
struct Block([UnsafeCell<u8>; 128]);

impl Bytes {
    /// So many bytes.
    pub fn zeroed(len: usize) -> Bytes {
        let block = |_| Block([const { UnsafeCell::new(0) }; 128]);
        Bytes { blocks: (0..len.div_ceil(size_of::<Block>())).map(block).collect(), len }
    }

    /// The bytes, one a cell.
    #[inline]
    pub fn cells(&self) -> &[UnsafeCell<u8>] {
        // SAFETY: blocks are cells without gaps, and there are enough of them.
        unsafe { std::slice::from_raw_parts(self.blocks.as_ptr().cast(), self.len) }
    }
}

/// Copies `bytes` into cells.
///
/// # Safety
///
/// No other thread reads or writes these cells meanwhile.
///
/// # Panics
///
/// If there are not as many cells as bytes.
#[inline]
pub unsafe fn copy_in(cells: &[UnsafeCell<u8>], bytes: &[u8]) {
    assert_eq!(cells.len(), bytes.len());
    let place = cells.as_ptr().cast::<u8>().cast_mut();
    // SAFETY: both are of this length; the caller says that the cells are free to write, which their
    // type allows behind a shared reference, and so `bytes` is no part of them.
    unsafe { place.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) }
}

/// Copies what is in cells into `bytes`.
///
/// # Safety
///
/// No other thread writes to these cells meanwhile.
///
/// # Panics
///
/// If there are not as many cells as bytes.
#[inline]
pub unsafe fn copy_out(cells: &[UnsafeCell<u8>], bytes: &mut [u8]) {
    assert_eq!(cells.len(), bytes.len());
    let place = cells.as_ptr().cast::<u8>();
    // SAFETY: both are of this length; the caller says that nobody writes to the cells, and `bytes`,
    // borrowed mutably, is no part of them.
    unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(place, bytes.len()) }
}
