//! Memory shared with the processes that this one forks, and futex words in it.
#![expect(unsafe_code, reason = "maps memory, and hands out references into it")]

use std::io;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::time::Duration;

use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use rustix::thread::futex;

use super::Calling;

/// A value in memory that this process shares with those it forks from now on.
///
/// It is never dropped as a value: other processes may still use it.
pub(super) struct Map<T> {
    place: NonNull<T>,
}

impl<T: Sync> Map<T> {
    /// Maps the value; what `initialise` leaves alone is zero.
    ///
    /// # Safety
    ///
    /// Zero bytes plus what `initialise` does must be a valid `T`, and `T` must hold no pointer
    /// that is of no meaning in a forked process.
    pub(super) unsafe fn new(initialise: impl FnOnce(NonNull<T>)) -> io::Result<Map<T>> {
        const { assert!(align_of::<T>() <= 4096, "mappings are aligned to pages") };
        let len = NonZeroUsize::new(size_of::<T>()).ok_or(io::ErrorKind::InvalidInput)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: no address is asked for, so no mapping is replaced.
        let place =
            unsafe { mmap_anonymous(None, len, access, MapFlags::MAP_SHARED) }.calling("mmap")?;
        let place = place.cast();
        initialise(place);
        Ok(Map { place })
    }

    /// Maps a value that lies in a file, shared with whoever else maps it.
    ///
    /// # Safety
    ///
    /// What is in the file at this offset, a multiple of a page, must be a valid `T` from now on, whoever writes there;
    /// and `T` must hold no pointer that is of no meaning in another process.
    pub(super) unsafe fn of_file(file: impl AsFd, offset: usize) -> io::Result<Map<T>> {
        const { assert!(align_of::<T>() <= 4096, "mappings are aligned to pages") };
        let len = NonZeroUsize::new(size_of::<T>()).ok_or(io::ErrorKind::InvalidInput)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let offset = offset as nix::libc::off_t;
        // SAFETY: no address is asked for, so no mapping is replaced.
        let place = unsafe { mmap(None, len, access, MapFlags::MAP_SHARED, file, offset) };
        Ok(Map { place: place.calling("mmap")?.cast() })
    }
}

impl<T> Deref for Map<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: mapped and valid until drop; whoever made the map vouched for `T`.
        unsafe { self.place.as_ref() }
    }
}

impl<T> Drop for Map<T> {
    fn drop(&mut self) {
        // SAFETY: nothing borrows from the map any more. Other processes have mappings of their own.
        let unmapped = unsafe { munmap(self.place.cast(), size_of::<T>()) };
        debug_assert!(unmapped.is_ok());
    }
}

// SAFETY: the map is a place like a box; sharing it shares a `T`.
unsafe impl<T: Send + Sync> Send for Map<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Map<T> {}

/// A futex word in shared memory: a number that others can wait for to change.
pub struct Word(Map<AtomicU32>);

impl Word {
    /// A word that is 0, shared with the processes forked from now on.
    ///
    /// # Errors
    ///
    /// If the system has no memory for it.
    pub fn new() -> io::Result<Word> {
        // SAFETY: zero bytes are an atomic 0.
        Ok(Word(unsafe { Map::new(|_| ()) }?))
    }

    /// What the word is.
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Changes the word and wakes who waits for that.
    pub fn set(&self, value: u32) {
        self.0.store(value, Ordering::Release);
        wake(&self.0);
    }

    /// Sleeps while the word is `value`; may return sooner.
    pub fn wait(&self, value: u32) {
        wait(&self.0, value, None);
    }
}

/// Rung by workers when they have carried out an order, heard by a controller that naps.
pub struct Bell(Map<BellWords>);

#[derive(Default)]
pub(super) struct BellWords {
    rings: AtomicU32,
    listeners: AtomicU32,
}

impl Bell {
    /// A bell that nobody hears yet.
    ///
    /// # Errors
    ///
    /// If the system has no memory for it.
    pub fn new() -> io::Result<Bell> {
        // SAFETY: zero bytes are atomic zeros.
        Ok(Bell(unsafe { Map::new(|_| ()) }?))
    }

    /// A bell whose words lie in a file.
    ///
    /// # Safety
    ///
    /// As of [`Map::of_file`].
    pub(super) unsafe fn of_file(file: impl AsFd, offset: usize) -> io::Result<Bell> {
        // SAFETY: the caller's promise.
        Ok(Bell(unsafe { Map::of_file(file, offset) }?))
    }

    /// Wakes the listener, at the price of a system call only if there is one.
    pub fn ring(&self) {
        // Pairs with the fence in `nap`: one of the two sees the other's store.
        fence(Ordering::SeqCst);
        if self.0.listeners.load(Ordering::Relaxed) != 0 {
            self.0.rings.fetch_add(1, Ordering::Release);
            wake(&self.0.rings);
        }
    }

    /// Sleeps until the bell rings, unless `ready` already; for `at_most` at the longest.
    pub fn nap(&self, at_most: Duration, ready: impl FnOnce() -> bool) {
        let rings = self.0.rings.load(Ordering::Acquire);
        self.0.listeners.store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !ready() {
            wait(&self.0.rings, rings, Some(at_most));
        }
        self.0.listeners.store(0, Ordering::Relaxed);
    }
}

/// Sleeps while `word` is `value`; may return sooner.
pub(super) fn wait(word: &AtomicU32, value: u32, at_most: Option<Duration>) {
    let at_most = at_most.map(|time| rustix::time::Timespec {
        tv_sec: time.as_secs() as i64,
        tv_nsec: i64::from(time.subsec_nanos()),
    });
    // Whatever the reason for its return, the caller looks at the word again.
    let _ = futex::wait(word, futex::Flags::empty(), value, at_most.as_ref());
}

pub(super) fn wake(word: &AtomicU32) {
    let _ = futex::wake(word, futex::Flags::empty(), 1);
}
