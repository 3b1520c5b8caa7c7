//! Variables that are polled: the last store wins, a load does not consume, nobody ever waits.
//!
//! [`WordCell`] holds one word; [`SeqCell`] holds several that are always seen together. A store is
//! never held up by readers. Neither tells readers that a value is there (see
//! [`guarded`](super::guarded) for that), and neither keeps values that were overwritten unseen.
//!
//! What a load may give: a store is seen by each reader at some later time, in order, and never taken
//! back (coherence). A load may give an old value after a newer store has returned: nothing here is
//! linearizable.

use super::line::Line;
use super::sync::{Arc, AtomicU64, Ordering, fence, spin_loop, yield_now};

/// How often a reader looks again before it lets others run: a writer that was interrupted in the
/// midst of a store cannot go on while all processors are taken by readers.
const LOOKS_MAX: u32 = 64;

/// A variable of one word. Any thread may store and load, by a shared reference.
///
/// Several may store: all see the stores in one order, in which those of each thread are in theirs.
///
/// A load that gives a value also shows everything that the storing thread did before that store:
/// the store releases, the load acquires. That is all that a polled flag or index needs.
///
/// ```
/// use pipewright_backends::memory::cell::WordCell;
///
/// let cell = WordCell::new(1);
/// std::thread::scope(|scope| {
///     scope.spawn(|| cell.store(2));
///     while cell.load() != 2 {
///         std::hint::spin_loop();
///     }
/// });
/// ```
#[derive(Debug)]
pub struct WordCell(Line<AtomicU64>);

impl WordCell {
    /// A variable with this value.
    pub fn new(value: u64) -> WordCell {
        WordCell(Line::new(AtomicU64::new(value)))
    }

    /// Replaces the value.
    #[inline]
    pub fn store(&self, value: u64) {
        self.0.store(value, Ordering::Release);
    }

    /// The newest value that has come here.
    #[inline]
    pub fn load(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// A variable of `N` words with one writer and any number of readers (a seqlock of atomics).
///
/// The version is even at rest and odd during a store; each store adds 2. A reader takes a copy, and
/// takes it again if the version moved meanwhile. All words are atomics, so a copy that is thrown away
/// is no data race, merely of no use.
///
/// ```
/// use pipewright_backends::memory::cell::SeqCell;
///
/// let (mut writer, mut reader) = SeqCell::split([0, 0]);
/// assert_eq!(reader.load_if_newer(), None);
/// writer.store([3, 4]);
/// assert_eq!(reader.load_if_newer(), Some([3, 4]));
/// assert_eq!(reader.load_if_newer(), None);
/// assert_eq!(reader.load(), [3, 4]);
/// ```
#[derive(Debug)]
pub struct SeqCell<const N: usize> {
    version: Line<AtomicU64>,
    words: [AtomicU64; N],
}

impl<const N: usize> SeqCell<N> {
    /// A variable with this value: its one writer, and a reader to be cloned.
    pub fn split(value: [u64; N]) -> (SeqWriter<N>, SeqReader<N>) {
        let version = Line::new(AtomicU64::new(0));
        let cell = Arc::new(SeqCell { version, words: value.map(AtomicU64::new) });
        (SeqWriter { cell: Arc::clone(&cell), version: 0 }, SeqReader { cell, seen: 0 })
    }

    /// One look: the value and its version, unless a store was under way.
    fn look(&self) -> Option<(u64, [u64; N])> {
        // Acquire: shows the words of the store that made this version, so that none is older.
        let before = self.version.load(Ordering::Acquire);
        if before % 2 == 1 {
            return None;
        }
        let words = std::array::from_fn(|index| self.words[index].load(Ordering::Relaxed));
        // If one of these loads gave a word of a later store, then that store's release fence comes
        // before this acquire fence, and with it its odd version before the next load, which by
        // coherence gives that version or a later one: `after` differs. So none is newer.
        fence(Ordering::Acquire);
        let after = self.version.load(Ordering::Relaxed);
        (before == after).then_some((before, words))
    }
}

/// The one writer of a [`SeqCell`]. It can be sent to another thread and cannot be cloned; a store needs it
/// for itself (`&mut`), so that there is one at a time.
///
/// ```compile_fail,E0599
/// use pipewright_backends::memory::cell::SeqCell;
///
/// let (writer, _reader) = SeqCell::split([0]);
/// let second = writer.clone(); // there is one writer
/// ```
#[derive(Debug)]
pub struct SeqWriter<const N: usize> {
    cell: Arc<SeqCell<N>>,
    version: u64,
}

impl<const N: usize> SeqWriter<N> {
    /// Replaces the value, in a fixed number of steps whatever readers do.
    pub fn store(&mut self, value: [u64; N]) {
        // Nobody else changes the version, so there is no need to read it.
        self.cell.version.store(self.version.wrapping_add(1), Ordering::Relaxed);
        // Pairs with the fence in `look`: who sees a word from below sees the odd version.
        fence(Ordering::Release);
        for (word, value) in self.cell.words.iter().zip(value) {
            word.store(value, Ordering::Relaxed);
        }
        self.version = self.version.wrapping_add(2);
        // Release: who sees this version sees all the words.
        self.cell.version.store(self.version, Ordering::Release);
    }
}

/// A reader of a [`SeqCell`], which knows the version it saw last. A clone goes on from there.
///
/// It can be sent to another thread; each thread that reads has one of its own, as every call needs it for
/// itself.
///
/// ```compile_fail,E0499
/// use pipewright_backends::memory::cell::SeqCell;
///
/// let (_writer, mut reader) = SeqCell::split([0]);
/// std::thread::scope(|scope| {
///     scope.spawn(|| reader.load());
///     scope.spawn(|| reader.load()); // a clone each, moved there
/// });
/// ```
#[derive(Clone, Debug)]
pub struct SeqReader<const N: usize> {
    cell: Arc<SeqCell<N>>,
    seen: u64,
}

impl<const N: usize> SeqReader<N> {
    /// The newest value that has come here. Looks again while the writer is at it.
    pub fn load(&mut self) -> [u64; N] {
        let mut looks = 0;
        loop {
            if let Some(words) = self.try_load() {
                return words;
            }
            again(&mut looks);
        }
    }

    /// One look at the newest value, in a fixed number of steps; `None` if the writer was at it. For those
    /// who may not wait for a writer that was interrupted in the midst of a store.
    ///
    /// ```
    /// use pipewright_backends::memory::cell::SeqCell;
    ///
    /// let (mut writer, mut reader) = SeqCell::split([0, 0]);
    /// assert_eq!(reader.try_load(), Some([0, 0]));
    /// std::thread::scope(|scope| {
    ///     scope.spawn(move || writer.store([3, 4]));
    ///     match reader.try_load() {
    ///         None => {} // the writer was at it
    ///         Some(whole) => assert!(whole == [0, 0] || whole == [3, 4]),
    ///     }
    /// });
    /// assert_eq!(reader.try_load(), Some([3, 4])); // nobody stores any more
    /// ```
    pub fn try_load(&mut self) -> Option<[u64; N]> {
        let (version, words) = self.cell.look()?;
        self.seen = version;
        Some(words)
    }

    /// The newest value, if it is another than the one that this reader saw last: in version, even if
    /// the words are equal. The value at the beginning counts as seen.
    ///
    /// A store that is under way is not waited for unless another came before it.
    pub fn load_if_newer(&mut self) -> Option<[u64; N]> {
        // Relaxed: no word is read on the strength of this; `load` looks at the version again, acquires, and
        // by coherence finds this one or a later one. `seen` is even; odd by one more is the store after
        // it, not finished.
        let version = self.cell.version.load(Ordering::Relaxed);
        (version | 1 != self.seen | 1).then(|| self.load())
    }
}

fn again(looks: &mut u32) {
    *looks += 1;
    if looks.is_multiple_of(LOOKS_MAX) { yield_now() } else { spin_loop() }
}
