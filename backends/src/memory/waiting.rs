//! Ends of a [`ring`](super::ring) that wait: for a byte to read, for room to write.
//!
//! Both ends of a ring must be of this kind: a polled end wakes nobody. How to sleep is left to a
//! [`Waiter`]; [`Futex`](super::futex::Futex) is the real one. Nobody enters the kernel unless somebody
//! waits. Nothing waits for a time. Like the ring itself, nothing here allocates or locks.
//!
//! Between processes, each maps the memory and claims its end; one process that maps it twice, at two
//! addresses, does the same:
//!
//! ```
//! use pipewright_backends::memory::futex::Futex;
//! use pipewright_backends::memory::mapping::{Mapping, SharedRing, anonymous};
//! use pipewright_backends::memory::ring::{Consumer, Producer};
//! use pipewright_backends::memory::waiting::{WaitingConsumer, WaitingProducer};
//!
//! let fd = anonymous(SharedRing::len_bytes(4))?; // a child inherits it, others are sent it
//! let here = SharedRing::new(Mapping::of(&fd)?)?;
//! let there = SharedRing::new(Mapping::of(&fd)?)?;
//! let producer = Producer::claim(here).expect("one process claims it");
//! let consumer = Consumer::claim(there).expect("and the other this");
//! let mut producer = WaitingProducer::new(producer, Futex);
//! let mut consumer = WaitingConsumer::new(consumer, Futex);
//! std::thread::scope(|scope| {
//!     scope.spawn(move || producer.write_all(b"more than fits")); // sleeps while there is no room
//!     let (mut text, mut bytes) = (Vec::new(), [0; 3]);
//!     while let Ok(count) = consumer.read(&mut bytes) {
//!         text.extend_from_slice(&bytes[..count]);
//!     }
//!     assert_eq!(text, b"more than fits");
//! });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! **Why no wake-up is lost.** Each side has a word that says "I wait". Who waits *announces* it there,
//! passes a fence, looks at the ring once more, and only then sleeps, on that very word. Who has changed the
//! ring passes a fence, looks at the word, and clears it and wakes if it is set. The fences are totally
//! ordered: either the one that looks at the ring sees the change, or the one that looks at the word
//! sees the announcement. In the second case the word is cleared, by `swap`, before or after the
//! other falls asleep: before, and the sleep does not begin, as the word has changed; after, and it is
//! woken. Look and clearing are one step, and the wake-up comes after it: so no announcement, not even one
//! made meanwhile, is wiped out without a wake-up. (A ring that woke first and then cleared by a plain
//! store wiped out second announcements; both sides slept for ever, and only under load.)
//!
//! The words are changed by nothing but `swap`. Announcing by a plain store would be right as well, but
//! not to loom, which does not keep plain stores and exchanges in one order; and who announces is about
//! to enter the kernel, beside which an exchange costs nothing.

use super::ring::{Closed, Consumer, Memory, Producer, close_both};
use super::sync::{AtomicU32, Ordering, fence, spin_loop};

/// How to sleep until a word changes. Both ends, and who interrupts them, use waiters that know of each other.
///
/// One that never sleeps will do, since a wait may return for no reason:
///
/// ```
/// use std::sync::atomic::AtomicU32;
///
/// use pipewright_backends::memory::one_shot;
/// use pipewright_backends::memory::waiting::Waiter;
///
/// #[derive(Clone)]
/// struct Yields;
///
/// impl Waiter for Yields {
///     fn wait(&self, _word: &AtomicU32, _value: u32) {
///         std::thread::yield_now();
///     }
///
///     fn wake(&self, _word: &AtomicU32) {}
/// }
///
/// let (sender, receiver) = one_shot::pair(Yields);
/// std::thread::scope(|scope| {
///     scope.spawn(move || sender.send(7));
///     assert_eq!(receiver.receive(), Some(7));
/// });
/// ```
pub trait Waiter {
    /// Sleeps while `word` is `value`, until woken. May return for no reason. That the word is looked
    /// at and sleep begins is one step with respect to [`wake`](Waiter::wake).
    fn wait(&self, word: &AtomicU32, value: u32);

    /// Wakes who sleeps on `word`; its value has been changed before.
    fn wake(&self, word: &AtomicU32);
}

const NOBODY: u32 = 0;
const WAITING: u32 = 1;

/// What could not be written, since the consumer has closed.
///
/// ```
/// use pipewright_backends::memory::futex::Futex;
/// use pipewright_backends::memory::ring::on_heap;
/// use pipewright_backends::memory::waiting::{Cut, WaitingConsumer, WaitingProducer};
///
/// let (producer, consumer) = on_heap(3);
/// let mut producer = WaitingProducer::new(producer, Futex);
/// let consumer = WaitingConsumer::new(consumer, Futex);
/// std::thread::scope(|scope| {
///     let writer = scope.spawn(move || producer.write_all(b"more than fits"));
///     while consumer.ring().is_empty() {
///         std::thread::yield_now();
///     }
///     drop(consumer); // and wakes the producer
///     assert_eq!(writer.join().expect("no panic"), Err(Cut { written: 3 }));
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How many bytes had been written before.
    pub written: usize,
}

/// A producer that waits while the ring is full. Dropping it closes it and wakes the consumer.
///
/// Any thread of any process that has the memory may have it, one at a time: it can be sent to another thread
/// if its memory and waiter can, but neither shared nor cloned. The other side may be in another process.
///
/// ```
/// use pipewright_backends::memory::futex::Futex;
/// use pipewright_backends::memory::ring::{Closed, on_heap};
/// use pipewright_backends::memory::waiting::{WaitingConsumer, WaitingProducer};
///
/// let (producer, consumer) = on_heap(3);
/// let mut producer = WaitingProducer::new(producer, Futex);
/// let mut consumer = WaitingConsumer::new(consumer, Futex);
/// std::thread::scope(|scope| {
///     scope.spawn(move || producer.write_all(b"more than fits"));
///     let mut text = Vec::new();
///     let mut bytes = [0; 8];
///     while let Ok(count) = consumer.read(&mut bytes) {
///         text.extend_from_slice(&bytes[..count]);
///     }
///     assert_eq!(text, b"more than fits");
/// });
/// ```
///
/// ```compile_fail,E0599
/// use pipewright_backends::memory::futex::Futex;
/// use pipewright_backends::memory::ring::on_heap;
/// use pipewright_backends::memory::waiting::WaitingProducer;
///
/// let producer = WaitingProducer::new(on_heap(3).0, Futex);
/// let second = producer.clone(); // there is one producer
/// ```
#[derive(Debug)]
pub struct WaitingProducer<M: Memory, W: Waiter> {
    ring: Producer<M>,
    waiter: W,
    spins: u32,
}

impl<M: Memory, W: Waiter> WaitingProducer<M, W> {
    /// Makes a producer wait.
    pub fn new(ring: Producer<M>, waiter: W) -> WaitingProducer<M, W> {
        WaitingProducer { ring, waiter, spins: 0 }
    }

    /// Has it look so many times more before it sleeps. That pays while the other side is at work on
    /// another processor, and never otherwise. 0 unless set.
    ///
    /// ```
    /// use pipewright_backends::memory::futex::Futex;
    /// use pipewright_backends::memory::ring::on_heap;
    /// use pipewright_backends::memory::waiting::WaitingProducer;
    ///
    /// let (producer, _consumer) = on_heap(3);
    /// let mut producer = WaitingProducer::new(producer, Futex);
    /// let alone = std::thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
    /// producer.set_spins(if alone { 0 } else { 100 });
    /// ```
    pub fn set_spins(&mut self, spins: u32) {
        self.spins = spins;
    }

    /// Writes as many bytes as fit, without waiting; 0 if the ring is full (or `bytes` empty). Wakes the
    /// consumer if it waits.
    ///
    /// ```
    /// use pipewright_backends::memory::futex::Futex;
    /// use pipewright_backends::memory::ring::on_heap;
    /// use pipewright_backends::memory::waiting::{WaitingConsumer, WaitingProducer};
    ///
    /// let (producer, consumer) = on_heap(3);
    /// let mut producer = WaitingProducer::new(producer, Futex);
    /// let mut consumer = WaitingConsumer::new(consumer, Futex);
    /// assert_eq!(producer.try_write(b"abcd"), Ok(3));
    /// assert_eq!(producer.try_write(b"d"), Ok(0));
    /// let mut bytes = [0; 8];
    /// assert_eq!(consumer.try_read(&mut bytes), Ok(3));
    /// assert_eq!(consumer.try_read(&mut bytes), Ok(0));
    /// ```
    ///
    /// # Errors
    ///
    /// If the consumer has closed.
    pub fn try_write(&mut self, bytes: &[u8]) -> Result<usize, Closed> {
        let count = self.ring.write(bytes)?;
        self.tell_consumer(count);
        Ok(count)
    }

    /// Writes all bytes; waits for room as often as it must.
    ///
    /// # Errors
    ///
    /// If the consumer closes before; then some bytes may have been written.
    pub fn write_all(&mut self, bytes: &[u8]) -> Result<(), Cut> {
        let mut written = 0;
        while written < bytes.len() {
            let rest = &bytes[written..];
            let attempt = |ring: &mut Producer<M>| some(ring.write(rest));
            let wrote = wait_for(&mut self.ring, attempt, producer_word, &self.waiter, self.spins);
            let count = wrote.map_err(|Closed| Cut { written })?;
            self.tell_consumer(count);
            written += count;
        }
        Ok(())
    }

    /// The polled end in it, to look at.
    pub fn ring(&self) -> &Producer<M> {
        &self.ring
    }

    /// What ends this ring from another thread.
    pub fn interrupter(&self) -> Interrupter<M, W>
    where
        M: Clone,
        W: Clone,
    {
        Interrupter { memory: self.ring.memory().clone(), waiter: self.waiter.clone() }
    }

    /// Closes it, as dropping does.
    pub fn close(self) {}

    fn tell_consumer(&self, count: usize) {
        if count > 0 {
            wake(&self.ring.memory().header().sides.consumer_waits, &self.waiter);
        }
    }
}

impl<M: Memory, W: Waiter> Drop for WaitingProducer<M, W> {
    fn drop(&mut self) {
        self.ring.mark_closed();
        wake(&self.ring.memory().header().sides.consumer_waits, &self.waiter);
    }
}

/// A consumer that waits while the ring is empty. Dropping it closes it and wakes the producer. See
/// [`WaitingProducer`] for an example, and for who may have it.
///
/// ```compile_fail,E0277
/// use pipewright_backends::memory::futex::Futex;
/// use pipewright_backends::memory::ring::on_heap;
/// use pipewright_backends::memory::waiting::WaitingConsumer;
///
/// let consumer = WaitingConsumer::new(on_heap(3).1, Futex);
/// std::thread::scope(|scope| {
///     scope.spawn(|| consumer.ring().len()); // it is not `Sync`
/// });
/// ```
#[derive(Debug)]
pub struct WaitingConsumer<M: Memory, W: Waiter> {
    ring: Consumer<M>,
    waiter: W,
    spins: u32,
}

impl<M: Memory, W: Waiter> WaitingConsumer<M, W> {
    /// Makes a consumer wait.
    pub fn new(ring: Consumer<M>, waiter: W) -> WaitingConsumer<M, W> {
        WaitingConsumer { ring, waiter, spins: 0 }
    }

    /// As [of the producer](WaitingProducer::set_spins).
    pub fn set_spins(&mut self, spins: u32) {
        self.spins = spins;
    }

    /// Reads as many bytes as there are, without waiting; 0 if the ring is empty (or `bytes` is). Wakes the
    /// producer if it waits. An example is at [`try_write`](WaitingProducer::try_write).
    ///
    /// # Errors
    ///
    /// If the producer has closed and all that it wrote has been read.
    pub fn try_read(&mut self, bytes: &mut [u8]) -> Result<usize, Closed> {
        let count = self.ring.read(bytes)?;
        self.tell_producer(count);
        Ok(count)
    }

    /// Waits until there are bytes, and reads as many as there are: at least one, unless `bytes` is empty.
    ///
    /// # Errors
    ///
    /// If the producer has closed and all that it wrote has been read.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Closed> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let attempt = |ring: &mut Consumer<M>| some(ring.read(bytes));
        let count = wait_for(&mut self.ring, attempt, consumer_word, &self.waiter, self.spins)?;
        self.tell_producer(count);
        Ok(count)
    }

    /// The polled end in it, to look at.
    pub fn ring(&self) -> &Consumer<M> {
        &self.ring
    }

    /// What ends this ring from another thread.
    pub fn interrupter(&self) -> Interrupter<M, W>
    where
        M: Clone,
        W: Clone,
    {
        Interrupter { memory: self.ring.memory().clone(), waiter: self.waiter.clone() }
    }

    /// Closes it, as dropping does.
    pub fn close(self) {}

    fn tell_producer(&self, count: usize) {
        if count > 0 {
            wake(&self.ring.memory().header().sides.producer_waits, &self.waiter);
        }
    }
}

impl<M: Memory, W: Waiter> Drop for WaitingConsumer<M, W> {
    fn drop(&mut self) {
        self.ring.mark_closed();
        wake(&self.ring.memory().header().sides.producer_waits, &self.waiter);
    }
}

/// Ends a ring whose ends may be asleep, from any thread: as if both had been closed at once.
///
/// It is for the end of a run, not for use: a write that is under way meanwhile may still bring bytes after
/// the consumer has seen the end.
///
/// ```
/// use pipewright_backends::memory::futex::Futex;
/// use pipewright_backends::memory::ring::{Closed, on_heap};
/// use pipewright_backends::memory::waiting::WaitingConsumer;
///
/// let (_producer, consumer) = on_heap(3);
/// let mut consumer = WaitingConsumer::new(consumer, Futex);
/// let interrupter = consumer.interrupter();
/// std::thread::scope(|scope| {
///     scope.spawn(move || interrupter.interrupt());
///     assert_eq!(consumer.read(&mut [0]), Err(Closed));
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Interrupter<M: Memory, W: Waiter> {
    memory: M,
    waiter: W,
}

impl<M: Memory, W: Waiter> Interrupter<M, W> {
    /// Ends the ring in this memory, whose ends sleep as `waiter` wakes.
    pub fn new(memory: M, waiter: W) -> Interrupter<M, W> {
        Interrupter { memory, waiter }
    }

    /// Has whoever waits return, now and from now on.
    pub fn interrupt(&self) {
        let header = self.memory.header();
        close_both(header);
        wake(&header.sides.producer_waits, &self.waiter);
        wake(&header.sides.consumer_waits, &self.waiter);
    }
}

fn producer_word<M: Memory>(ring: &Producer<M>) -> &AtomicU32 {
    &ring.memory().header().sides.producer_waits
}

fn consumer_word<M: Memory>(ring: &Consumer<M>) -> &AtomicU32 {
    &ring.memory().header().sides.consumer_waits
}

/// An outcome, unless it is that there was nothing to do yet.
fn some(outcome: Result<usize, Closed>) -> Option<Result<usize, Closed>> {
    (outcome != Ok(0)).then_some(outcome)
}

/// Repeats `attempt` until it gives an outcome, and sleeps in between.
fn wait_for<E, T>(
    end: &mut E,
    mut attempt: impl FnMut(&mut E) -> Option<T>,
    word: impl Fn(&E) -> &AtomicU32,
    waiter: &impl Waiter,
    spins: u32,
) -> T {
    if let Some(outcome) = attempt(end) {
        return outcome;
    }
    for _ in 0..spins {
        spin_loop();
        if let Some(outcome) = attempt(end) {
            return outcome;
        }
    }
    loop {
        // Announce, fence, look once more: see the head of this file.
        word(end).swap(WAITING, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        let mut outcome = attempt(end);
        if outcome.is_none() {
            waiter.wait(word(end), WAITING);
            outcome = attempt(end);
        }
        if let Some(outcome) = outcome {
            // Takes back what nobody has answered. If it comes too late, somebody wakes nobody.
            if word(end).load(Ordering::Relaxed) != NOBODY {
                word(end).swap(NOBODY, Ordering::AcqRel);
            }
            return outcome;
        }
    }
}

/// Wakes who waits by `word` for what this side has just changed.
fn wake(word: &AtomicU32, waiter: &impl Waiter) {
    // Between the change and the look at the word; pairs with the fence in `wait_for`.
    fence(Ordering::SeqCst);
    // The look first: it leaves the line where it is, which a swap would take away from the other side.
    if word.load(Ordering::Relaxed) != NOBODY && word.swap(NOBODY, Ordering::AcqRel) != NOBODY {
        waiter.wake(word);
    }
}
