//! A variable behind a lock, whose readers can wait for a value newer than the one they know.
//!
//! The last value wins, as with [`cell`](super::cell), and values overwritten unseen are lost: this is no
//! queue. It is for threads of one process: a lock of `std` does not work across processes.

use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Which value of a [`GuardedCell`] it was: each [`set`](GuardedCell::set) makes a new one. To be compared
/// for equality only, and only with those of the same cell.
///
/// ```
/// use pipewright_backends::memory::guarded::GuardedCell;
///
/// let cell = GuardedCell::new(3);
/// let (_, first) = cell.get();
/// let second = cell.set(3); // another value, though it is equal
/// assert_ne!(first, second);
/// assert_eq!(cell.get(), (3, second));
/// assert_eq!(cell.wait_newer(first), Some((3, second))); // no need to wait
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(u64);

/// A variable whose readers can wait. Any thread may set, get and wait, by a shared reference.
///
/// It is linearizable: each operation takes effect at one moment, while the lock is held. Setting
/// enters the kernel only if somebody waits: the condition variable of `std` does so always, so the
/// cell counts those who wait.
///
/// ```
/// use pipewright_backends::memory::guarded::GuardedCell;
///
/// let cell = GuardedCell::new("old");
/// let (value, version) = cell.get();
/// assert_eq!(value, "old");
/// std::thread::scope(|scope| {
///     scope.spawn(|| cell.set("new"));
///     let (value, version) = cell.wait_newer(version).expect("not closed");
///     assert_eq!(value, "new");
///     scope.spawn(|| cell.close());
///     assert_eq!(cell.wait_newer(version), None);
/// });
/// ```
#[derive(Debug)]
pub struct GuardedCell<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    value: T,
    version: Version,
    closed: bool,
    /// How many sleep that nobody has woken yet.
    waiting: usize,
}

impl<T: Clone> GuardedCell<T> {
    /// A variable with this value.
    pub fn new(value: T) -> GuardedCell<T> {
        let state = State { value, version: Version(0), closed: false, waiting: 0 };
        GuardedCell { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Replaces the value and wakes who waits for a newer one. Gives the new value's version.
    pub fn set(&self, value: T) -> Version {
        let mut state = self.lock();
        let old = std::mem::replace(&mut state.value, value);
        state.version = Version(state.version.0.wrapping_add(1));
        let version = state.version;
        self.unlock_and_wake(state);
        // Dropped here, since what dropping it runs may use this cell.
        drop(old);
        version
    }

    /// The value and its version.
    pub fn get(&self) -> (T, Version) {
        let state = self.lock();
        (state.value.clone(), state.version)
    }

    /// Waits until the value is another than `last`, and gives it. `None` if there is none and the cell is
    /// closed: a last value is still given to those who don't know it.
    pub fn wait_newer(&self, last: Version) -> Option<(T, Version)> {
        let mut state = self.lock();
        let mut counted = false;
        while state.version == last && !state.closed {
            // Who wakes sets the count to 0 and makes this condition false. So if it still holds, the wait
            // returned for no reason, and this thread is still among those counted.
            if !counted {
                state.waiting += 1;
                counted = true;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        (state.version != last).then(|| (state.value.clone(), state.version))
    }

    /// Ends all waiting, now and from now on. The value can still be set and got.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.unlock_and_wake(state);
    }

    /// Whether it has been closed.
    ///
    /// ```
    /// use pipewright_backends::memory::guarded::GuardedCell;
    ///
    /// let cell = GuardedCell::new('a');
    /// assert!(!cell.is_closed());
    /// cell.close();
    /// assert!(cell.is_closed());
    /// cell.set('b');
    /// assert_eq!(cell.get().0, 'b'); // what ends is the waiting
    /// ```
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// How many threads wait and have not been woken.
    ///
    /// ```
    /// use pipewright_backends::memory::guarded::GuardedCell;
    ///
    /// let cell = GuardedCell::new(0);
    /// let (_, version) = cell.get();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| cell.wait_newer(version));
    ///     while cell.waiting() == 0 {
    ///         std::thread::yield_now();
    ///     }
    ///     cell.set(1);
    ///     assert_eq!(cell.waiting(), 0); // woken, though it may not have run yet
    /// });
    /// ```
    pub fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// Wakes after unlocking, so that the woken don't run into the lock.
    fn unlock_and_wake(&self, mut state: MutexGuard<'_, State<T>>) {
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        if waiting != 0 {
            self.changed.notify_all();
        }
    }

    /// No panic leaves a state half changed (only `clone` is foreign code, and it changes nothing),
    /// so a lock that is said to be poisoned is none the worse.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
